/** Reads that the module in libfuse answers: right bytes at every offset, without JavaScript, and errors by JavaScript. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readlinkSync, renameSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { open, readFile, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { noiseBytes } from '../addon/support/sample-bytes.ts';
import { MountBench, waitUntil } from './support/start-test-daemon.ts';
import { createTableFile, type TableFile } from './support/table-file.ts';

const run = promisify(execFile);
const name = 'images.tar.xz';
const glue = Buffer.from('the head of the file');

let bench: MountBench;
beforeAll(async () => {
  bench = await MountBench.create();
});
afterAll(() => bench.remove());

/** `count` sizes between `min` and `max`, in no order. */
function unevenSizes(count: number, min: number, max: number): number[] {
  return Array.from({ length: count }, (_, index) => min + ((index * 7919) % (max - min + 1)));
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function hashOfFile(path: string): Promise<string> {
  const { stdout } = await run('sha256sum', ['-b', '--', path]);
  return stdout.slice(stdout.startsWith('\\') ? 1 : 0).slice(0, 64);
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), { position });
  return buffer.subarray(0, bytesRead);
}

/** Compares reads of the sizes programs use, at positions in no order, with what must be there. */
async function expectRightReads(file: FileHandle, table: TableFile, count: number, first = 0): Promise<void> {
  const lengths = [1, 511, 4096, 8192, 8193, 65_536, 131_071, 131_072, 300_000, 1_048_576];
  for (let index = first; index < first + count; index++) {
    const length = lengths[index % lengths.length] ?? 1;
    const position = Math.floor(((index * 0.618034) % 1) * table.size);
    const seen = await readAt(file, position, length);
    expect(seen.equals(table.bytesAt(position, length)), `${length} bytes at ${position}`).toBe(true);
  }
}

/** The block files in `folder` that the process has open. */
function openBlocks(pid: number, folder: string): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/${pid}/fd/${fd}`);
      return target.startsWith(`${folder}/`) ? [target] : [];
    } catch {
      return []; // closed meanwhile
    }
  });
}

/** Stops the daemon's JavaScript; the result lets it go on. */
async function stall(pid: number, stallPath: string): Promise<() => void> {
  process.kill(pid, 'SIGWINCH');
  await waitUntil('JavaScript has stopped', () =>
    stat(`${stallPath}.begun`).then(
      () => true,
      () => false,
    ),
  );
  return () => {
    writeFileSync(stallPath, '');
  };
}

describe.each(['native', 'plain'] as const)('%s reads', (reads) => {
  let table: TableFile;
  let path: string;

  beforeAll(async () => {
    const folder = join(bench.folder, `uneven ${reads}`);
    table = createTableFile(folder, { blockSizes: unevenSizes(60, 1, 400_000), glue });
    const { mountPoint } = await bench.mount({ reads, tables: { [name]: folder } });
    path = join(mountPoint, name);
  });

  test('give the whole to cp, cat, dd and a memory map', async () => {
    const hash = hashOf(table.bytesAt(0, table.size));
    const copy = join(bench.folder, `copy ${reads}`);
    await run('cp', [path, copy]);
    expect(await hashOfFile(copy)).toBe(hash);
    expect(await hashOfFile(path)).toBe(hash);
    await run('dd', [`if=${path}`, `of=${copy}`, 'bs=1000003', 'status=none']);
    expect(await hashOfFile(copy)).toBe(hash);
    const script =
      'import mmap,sys,hashlib; f=open(sys.argv[1],"rb"); m=mmap.mmap(f.fileno(),0,flags=mmap.MAP_PRIVATE,prot=mmap.PROT_READ); print(hashlib.sha256(m).hexdigest())';
    expect((await run('python3', ['-c', script, path])).stdout.trim()).toBe(hash);
  });

  test('give every slice, and nothing behind the end', async () => {
    const file = await open(path);
    await expectRightReads(file, table, 200);
    expect((await readAt(file, 5, 40)).equals(table.bytesAt(5, 40))).toBe(true);
    expect((await readAt(file, table.size - 9, 100)).equals(table.bytesAt(table.size - 9, 9))).toBe(true);
    expect(await readAt(file, table.size, 100)).toHaveLength(0);
    expect(await readAt(file, table.size + 1_000_000, 100)).toHaveLength(0);
    await file.close();
  });

  test('give four readers at once their bytes while JavaScript is busy half of the time', async () => {
    const folder = join(bench.folder, `busy ${reads}`);
    const busy = createTableFile(folder, { blockSizes: unevenSizes(20, 100_000, 400_000), glue });
    const { mountPoint } = await bench.mount({ reads, tables: { [name]: folder }, isBusy: true });
    await Promise.all(
      [1, 2, 3, 4].map(async () => {
        const file = await open(join(mountPoint, name));
        await expectRightReads(file, busy, 40);
        await file.close();
      }),
    );
  });

  test('are EIO for a damaged, cut off or missing block, told to the log, and right elsewhere and after', async () => {
    const folder = join(bench.folder, `faulty ${reads}`);
    const size = 300_000;
    const faulty = createTableFile(folder, { blockSizes: [size, size, size] });
    const [, blockPath = ''] = faulty.blockPaths;
    const stored = await readFile(blockPath);
    const damaged = Buffer.from(stored);
    damaged.writeUInt8(damaged.readUInt8(200_000) ^ 1, 200_000);
    writeFileSync(blockPath, damaged);

    const { mountPoint } = await bench.mount({ reads, tables: { [name]: folder } });
    const file = await open(join(mountPoint, name));
    const isRight = async (position: number, length: number): Promise<boolean> =>
      (await readAt(file, position, length)).equals(faulty.bytesAt(position, length));
    const expectFault = async (code: string): Promise<void> => {
      const { size: logStart } = await stat(bench.logPath);
      for (const [position, length] of [
        [size, 4096],
        [size + 5, 131_072],
        [size - 10, 20],
        [2 * size - 10_000, 20_000],
      ] as const) {
        await expect(readAt(file, position, length)).rejects.toMatchObject({ code: 'EIO' });
      }
      expect(await isRight(0, size)).toBe(true);
      expect(await isRight(2 * size, 131_072)).toBe(true);
      const log = (await readFile(bench.logPath)).subarray(logStart).toString();
      expect(log.match(new RegExp(`/${name}: .*"${blockPath}": .*${code}`, 'g'))).toHaveLength(4);
    };

    await expectFault('its bytes are not the ones that were stored');
    unlinkSync(blockPath);
    await expectFault('there is no such file');
    // Made again, it is read at once.
    writeFileSync(`${blockPath}.new`, stored);
    renameSync(`${blockPath}.new`, blockPath);
    expect(await isRight(size, 131_072)).toBe(true);
    // Cut off after it was checked: a short answer would pass for the end of the file.
    truncateSync(blockPath, 100_000);
    await expect(readAt(file, size + 100_000, 131_072)).rejects.toMatchObject({ code: 'EIO' });
    await expect(readAt(file, size + 99_000, 100_000)).rejects.toMatchObject({ code: 'EIO' });
    await expect(run('cp', [join(mountPoint, name), join(bench.folder, 'cut')])).rejects.toMatchObject({
      code: 1,
    });
    await file.close();
  });
});

describe('the module', () => {
  test('reads what is open to its end while JavaScript does nothing, files never read before too', async () => {
    const folder = join(bench.folder, 'stalled');
    const table = createTableFile(folder, { blockSizes: unevenSizes(40, 1000, 500_000), glue });
    const stallPath = join(bench.folder, 'stall');
    const { mountPoint, pid } = await bench.mount({ tables: { [name]: folder }, stallPath });
    const files = await Promise.all([1, 2, 3].map(() => open(join(mountPoint, name))));
    const goOn = await stall(pid, stallPath);
    const contents = await Promise.all(files.map((file) => readAt(file, 0, table.size)));
    for (const content of contents) expect(content.equals(table.bytesAt(0, table.size))).toBe(true);
    goOn();
    await Promise.all(files.map((file) => file.close()));
  });

  test('keeps for a handle what it opened when the next generation is published', async () => {
    const folder = join(bench.folder, 'generations');
    const sizes = unevenSizes(30, 50_000, 200_000);
    const first = createTableFile(folder, { blockSizes: sizes, seed: 'first' });
    const { mountPoint, pid } = await bench.mount({ tables: { [name]: folder } });
    const path = join(mountPoint, name);
    const held = await open(path);
    // The blocks of the next one have other names: those of a cache are never written to again.
    const nextFolder = join(bench.folder, 'generations next');
    const second = createTableFile(nextFolder, { blockSizes: sizes.slice(0, 20), seed: 'second' });
    renameSync(join(nextFolder, 'table.json'), join(folder, 'table.json'));
    process.kill(pid, 'SIGUSR2');
    await waitUntil('generation 2 is there', async () => (await stat(path)).ino === 200);
    expect((await readFile(path)).equals(second.bytesAt(0, second.size))).toBe(true);
    expect(second.size).toBeLessThan(first.size);
    await expectRightReads(held, first, 60);
    expect((await readAt(held, first.size - 50, 100)).equals(first.bytesAt(first.size - 50, 50))).toBe(true);
    await held.close();
    expect((await readFile(path)).equals(second.bytesAt(0, second.size))).toBe(true);
  });

  test('lets go of blocks with the last handle, though threads that spliced them are idle', async () => {
    const folder = join(bench.folder, 'released');
    const blockSize = 64 * 1024;
    const table = createTableFile(folder, { blockSizes: Array.from({ length: 40 }, () => blockSize) });
    const { mountPoint, pid } = await bench.mount({ tables: { [name]: folder }, openFileLimit: 1 });
    const files = await Promise.all([1, 2, 3, 4].map(() => open(join(mountPoint, name))));
    await Promise.all(
      files.map(async (file, index) => {
        for (let position = index; position < table.size; position += 131_072) {
          await readAt(file, position, 131_072);
        }
      }),
    );
    expect(openBlocks(pid, folder).length).toBeGreaterThan(0);
    await Promise.all(files.map((file) => file.close()));
    // The cache closes what is above its budget when it opens another file.
    const last = await open(join(mountPoint, name));
    let position = 0;
    await waitUntil('no block but the one of the budget is open', async () => {
      position = (position + blockSize) % table.size;
      await readAt(last, position, 4096);
      return openBlocks(pid, folder).length <= 1;
    });
    await last.close();
  });

  test('gives four readers at once their bytes at offsets beyond 20 GiB, of 20,000 extents', async () => {
    const folder = join(bench.folder, 'huge');
    const table = createTableFile(folder, {
      blockSizes: unevenSizes(16, 1_000_000, 1_100_000),
      repeatCount: 1360,
      glue,
    });
    expect(table.size).toBeGreaterThan(21 * 2 ** 30);
    const { mountPoint } = await bench.mount({ tables: { [name]: folder } });
    const path = join(mountPoint, name);
    expect((await stat(path)).size).toBe(table.size);
    const file = await open(path);
    for (const position of [2 ** 31 - 5, 2 ** 32 - 5, 2 ** 32, 20 * 2 ** 30 + 1, table.size - 200_000]) {
      for (const length of [100, 131_072, 1_048_576]) {
        expect((await readAt(file, position, length)).equals(table.bytesAt(position, length))).toBe(true);
      }
    }
    await file.close();
    expect(table.extentCount).toBeGreaterThan(20_000);
    await Promise.all(
      [0, 1, 2, 3].map(async (reader) => {
        const own = await open(path);
        await expectRightReads(own, table, 100, reader * 100);
        await own.close();
      }),
    );
  });

  test('reads ten thousand blocks with a budget of eight open files', async () => {
    const folder = join(bench.folder, 'many');
    const table = createTableFile(folder, { blockSizes: unevenSizes(10_000, 1, 12_000), glue });
    const { mountPoint, pid } = await bench.mount({ tables: { [name]: folder }, openFileLimit: 8 });
    const path = join(mountPoint, name);
    let mostOpen = 0;
    const timer = setInterval(() => {
      mostOpen = Math.max(mostOpen, openBlocks(pid, folder).length);
    }, 20);
    const readers = [1, 2, 3].map(async () => {
      const file = await open(path);
      await expectRightReads(file, table, 60);
      await file.close();
    });
    expect(await hashOfFile(path)).toBe(hashOf(table.bytesAt(0, table.size)));
    await Promise.all(readers);
    clearInterval(timer);
    expect(mostOpen).toBeGreaterThan(0);
    expect(mostOpen).toBeLessThan(60);
  }, 60_000);

  test('gives four readers at once every byte of five thousand extents that cross requests', async () => {
    const folder = join(bench.folder, 'extents');
    const table = createTableFile(folder, {
      blockSizes: unevenSizes(50, 8000, 60_000),
      repeatCount: 100,
      glue: noiseBytes(100),
    });
    expect(table.extentCount).toBe(5001);
    const { mountPoint } = await bench.mount({ tables: { [name]: folder } });
    const hash = hashOf(table.bytesAt(0, table.size));
    const path = join(mountPoint, name);
    expect(await Promise.all([path, path, path, path].map(hashOfFile))).toEqual([hash, hash, hash, hash]);
  });
});
