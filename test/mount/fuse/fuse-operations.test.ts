/** Answers to the kernel, without a kernel: whatever a file does becomes an errno, and handles are counted. */
import { constants } from 'node:os';
import { expect, test } from 'vitest';
import { BundleError, type ErrorCode } from '../../../src/ground/errors.ts';
import { type BundleDirectory, createBundleDirectory } from '../../../src/mount/fuse/bundle-directory.ts';
import { errnoOf, isErrorCode } from '../../../src/mount/fuse/errno-of.ts';
import { createFuseOperations, type FuseOperations } from '../../../src/mount/fuse/fuse-operations.ts';
import { createMemoryFile, type MountedFile, type OpenFile } from '../../../src/mount/fuse/mounted-file.ts';
import { OpenHandles } from '../../../src/mount/fuse/open-handles.ts';

const { errno } = constants;

interface Bench {
  readonly operations: FuseOperations;
  readonly handles: OpenHandles;
  readonly errors: unknown[];
  readonly state: { directory: BundleDirectory; isClosing: boolean };
}

function showing(file: MountedFile): BundleDirectory {
  return createBundleDirectory([{ kind: 'file', name: 'a', ino: 2, mtimeMs: 1, file }], { mtimeMs: 1 });
}

function createBench(file: MountedFile): Bench {
  const errors: unknown[] = [];
  const onError = (error: unknown): void => {
    errors.push(error);
    throw new Error('a log that fails');
  };
  const handles = new OpenHandles((error) => errors.push(error));
  const state = { directory: showing(file), isClosing: false };
  const operations = createFuseOperations({
    getDirectory: () => state.directory,
    handles,
    uid: 1,
    gid: 2,
    isClosing: () => state.isClosing,
    onError,
  });
  return { operations, handles, errors, state };
}

/** What is answered: the result and the values after it. */
function ask(request: (answer: (...values: unknown[]) => void) => void): Promise<unknown[]> {
  return new Promise((resolve) => {
    request((...values) => {
      resolve(values);
    });
  });
}

async function openFile({ operations }: Bench): Promise<number> {
  const [result, fd] = await ask((answer) => {
    operations.open('/a', 0, answer);
  });
  expect(result).toBe(0);
  return fd as number;
}

test('open refuses what is absent, folders, writing, and everything once the mount is closing', async () => {
  const { operations, state, errors } = createBench(createMemoryFile(new Uint8Array(3)));
  const open = (path: string, flags: number): Promise<unknown[]> =>
    ask((answer) => {
      operations.open(path, flags, answer);
    });
  expect(await open('/b', 0)).toEqual([-errno.ENOENT]);
  expect(await open('/', 0)).toEqual([-errno.EISDIR]);
  expect(await open('/a', 1)).toEqual([-errno.EROFS]);
  expect(await open('/a', 2)).toEqual([-errno.EROFS]);
  state.isClosing = true;
  expect(await open('/a', 0)).toEqual([-errno.ENODEV]);
  expect(errors).toEqual([]);
});

test('a read while another is under way, after it and at the end gives each its bytes', async () => {
  const bench = createBench(createMemoryFile(Buffer.from('0123456789')));
  const fd = await openFile(bench);
  const read = async (position: number, length: number): Promise<string> => {
    const target = Buffer.alloc(length, '.');
    const [result] = await ask((answer) => {
      bench.operations.read('/a', fd, target, length, position, answer);
    });
    return `${String(result)} ${target.toString()}`;
  };
  expect(await Promise.all([read(0, 4), read(8, 4), read(10, 2), read(99, 2), read(3, 0)])).toEqual([
    '4 0123',
    '2 89..',
    '0 ..',
    '0 ..',
    '0 ',
  ]);
});

test('a handle that is released while a read is under way is closed after it, once', async () => {
  let finishRead: (count: number) => void = () => undefined;
  let closeCount = 0;
  const bench = createBench({
    size: 10,
    open: () => ({
      tryRead: () => undefined,
      read: () => new Promise((resolve) => (finishRead = resolve)),
      close: () => closeCount++,
    }),
  });
  const fd = await openFile(bench);
  expect(bench.handles.count).toBe(1);
  const answered = ask((answer) => {
    bench.operations.read('/a', fd, new Uint8Array(10), 10, 0, answer);
  });
  await ask((answer) => {
    bench.operations.release('/a', fd, answer);
  });
  await bench.handles.idle();
  expect([bench.handles.count, closeCount]).toEqual([0, 0]);
  finishRead(10);
  expect(await answered).toEqual([10]);
  expect(closeCount).toBe(1);
  expect(
    await ask((answer) => {
      bench.operations.read('/a', fd, new Uint8Array(10), 10, 0, answer);
    }),
  ).toEqual([-errno.EBADF]);
});

test('a path that is gone still answers whoever holds it open, and nobody else', async () => {
  const bench = createBench(createMemoryFile(new Uint8Array(3)));
  const fd = await openFile(bench);
  bench.state.directory = createBundleDirectory([], { mtimeMs: 1 });
  const stat = (): Promise<unknown[]> =>
    ask((answer) => {
      bench.operations.fgetattr('/a', fd, answer);
    });
  expect(await stat()).toEqual([0, expect.objectContaining({ size: 3, uid: 1, gid: 2, ino: 2 })]);
  bench.operations.release('/a', fd, () => undefined);
  expect(await stat()).toEqual([-errno.ENOENT]);
});

test('whatever goes wrong below is an errno and is told, and a log that fails changes nothing', async () => {
  const faults: [Partial<OpenFile>, number][] = [
    [{ tryRead: () => fail(new BundleError('block-corrupt', 'bad')) }, errno.EIO],
    [{ tryRead: () => fail(new TypeError('mistake')) }, errno.EIO],
    [{ tryRead: () => 2 }, errno.EIO],
    [{ tryRead: () => 0 }, errno.EIO],
    [{ read: () => Promise.reject(new BundleError('block-missing', 'gone')) }, errno.EIO],
    [{ read: () => fail(new Error('at once')) }, errno.EIO],
    [{ read: () => Promise.resolve(4) }, errno.EIO],
    [{ read: () => Promise.reject(Object.assign(new Error('full'), { code: 'EMFILE' })) }, errno.EMFILE],
    [{ read: () => Promise.reject(Object.assign(new Error('lost'), { code: 'ENOENT' })) }, errno.EIO],
  ];
  for (const [fault, expected] of faults) {
    const good = { tryRead: () => undefined, read: () => Promise.resolve(3), close: () => undefined };
    const bench = createBench({ size: 3, open: () => ({ ...good, ...fault }) });
    const fd = await openFile(bench);
    const answer = await ask((give) => {
      bench.operations.read('/a', fd, new Uint8Array(8), 8, 0, give);
    });
    expect(answer).toEqual([-expected]);
    expect(bench.errors).toHaveLength(1);
  }
});

test('errnoOf knows every code, and isErrorCode knows no other', () => {
  const codes: ErrorCode[] = ['block-corrupt', 'image-not-found', 'cache-full', 'mount-point-busy'];
  expect(codes.map((code) => errnoOf(new BundleError(code, 'x')))).toEqual([
    -errno.EIO,
    -errno.ENOENT,
    -errno.ENOSPC,
    -errno.EBUSY,
  ]);
  expect(['block-corrupt', 'toString', 'EIO', 5, undefined].map(isErrorCode)).toEqual([
    true,
    false,
    false,
    false,
    false,
  ]);
});

function fail(error: Error): never {
  throw error;
}
