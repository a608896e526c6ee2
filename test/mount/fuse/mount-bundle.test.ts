/** What programs see of a mount: real ones, of a daemon in a process of its own. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { open, readFile, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { findMount } from '../../../src/disk/mountinfo.ts';
import { generateBytes } from '../support/generated-file.ts';
import { isAlive, MountBench } from '../support/start-test-daemon.ts';
import {
  archiveName,
  checksumName,
  createArchive,
  folderName,
  hiddenName,
  huge,
  mtimeMs,
  passing,
} from '../support/test-directory.ts';

const run = promisify(execFile);
const archive = createArchive(1);
const archiveHash = createHash('sha256').update(archive.content).digest('hex');

let bench: MountBench;
let mountPoint: string;
let pid: number;
let archivePath: string;

beforeAll(async () => {
  bench = await MountBench.create();
  ({ mountPoint, pid } = await bench.mount());
  archivePath = join(mountPoint, archiveName);
});

afterAll(() => bench.remove());

async function hashOf(path: string): Promise<string | undefined> {
  const { stdout } = await run('sha256sum', ['--', path], { timeout: 20_000 });
  return stdout.split(' ')[0]?.replace('\\', '');
}

describe('a mount', () => {
  test('is read-only, of type fuse.bundlefs, and says so', async () => {
    expect(await findMount(mountPoint)).toMatchObject({ type: 'fuse.bundlefs', source: 'bundlefs' });
    expect((await findMount(mountPoint))?.options).toContain('ro');
  });

  test('lists what is not hidden, with inode numbers and types', async () => {
    const { stdout } = await run('find', [mountPoint, '-mindepth', '1', '-printf', '%P %i %y %s\n']);
    const lines = stdout.trim().split('\n');
    expect(lines).toEqual(
      expect.arrayContaining([
        `${archiveName} 10 f ${archive.size}`,
        `${checksumName} 11 f 80`,
        `${folderName} 6 d 0`,
        `${folderName}/one.tar 7 f 3`,
        `${huge.name} 2 f ${huge.size}`,
      ]),
    );
    expect(stdout).not.toContain(hiddenName);
    expect(await readFile(join(mountPoint, hiddenName), 'utf8')).toBe('{}');
  });

  test.each([
    [archiveName, archive.size],
    [huge.name, huge.size],
    [checksumName, 80],
  ])('says of %s what stat shall say', async (name, size) => {
    const found = await stat(join(mountPoint, name));
    expect(found).toMatchObject({
      size,
      blocks: Math.ceil(size / 512),
      blksize: 131072,
      mode: 0o100444,
      nlink: 1,
      uid: process.getuid?.(),
    });
    expect(found.mtimeMs).toBe(mtimeMs + 1000);
  });

  test('says how large it is, and that it is full', async () => {
    const { stdout } = await run('stat', ['-f', '-c', '%S %b %f %l', mountPoint]);
    const [blockSize, blockCount, freeCount, nameSize] = stdout.split(' ').map(Number);
    expect((blockSize ?? 0) * (blockCount ?? 0)).toBeGreaterThan(huge.size);
    expect([freeCount, nameSize]).toEqual([0, 255]);
  });

  test('answers ENOENT for what is not there', async () => {
    await expect(stat(join(mountPoint, 'absent'))).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(stat(join(archivePath, 'x'))).rejects.toMatchObject({ code: 'ENOTDIR' });
  });
});

describe('reading gives the right bytes', () => {
  test('to its own checksum', async () => {
    const { stdout } = await run('sha256sum', ['-c', checksumName], { cwd: mountPoint });
    expect(stdout).toBe(`${archiveName}: OK\n`);
  });

  test('to cp, which keeps the time', async () => {
    const copy = join(bench.folder, 'copy');
    await run('cp', ['-a', archivePath, copy]);
    expect(archive.content.equals(await readFile(copy))).toBe(true);
    expect((await stat(copy)).mtimeMs).toBe(mtimeMs + 1000);
  });

  test('to cp --sparse=always and tar -S, which look for holes', async () => {
    const copy = join(bench.folder, 'sparse');
    await run('cp', ['--sparse=always', archivePath, copy]);
    expect(await hashOf(copy)).toBe(archiveHash);
    const tar = join(bench.folder, 'sparse.tar');
    await run('tar', ['-C', mountPoint, '-S', '-cf', tar, archiveName]);
    await run('tar', ['-C', bench.folder, '-xf', tar]);
    expect(await hashOf(join(bench.folder, archiveName))).toBe(archiveHash);
  });

  test.each([
    [1, 7, 0],
    [1, 1000, 4095],
    [4096, 3, 17],
    [131_071, 5, 1],
    [262_144, 9, 2],
    [3_000_000, 1, 2],
  ])('to dd with blocks of %d bytes, %d of them, from block %d', async (blockSize, count, skip) => {
    const args = [`if=${archivePath}`, `bs=${blockSize}`, `count=${count}`, `skip=${skip}`, 'status=none'];
    const { stdout } = await run('dd', args, { encoding: 'buffer', maxBuffer: 2 ** 24 });
    const start = blockSize * skip;
    expect(stdout.equals(archive.content.subarray(start, start + blockSize * count))).toBe(true);
  });

  test('at random positions, past the end too', async () => {
    const file = await open(archivePath);
    let seed = 1;
    const random = (limit: number): number => (seed = (seed * 48271) % 0x7fffffff) % limit;
    for (let round = 0; round < 200; round++) {
      const position = random(archive.size + 5000);
      const length = 1 + random(round % 10 === 0 ? 400_000 : 9000);
      const { bytesRead, buffer } = await file.read(Buffer.alloc(length), { position });
      const expected = archive.content.subarray(position, position + length);
      expect(bytesRead).toBe(expected.length);
      expect(buffer.subarray(0, bytesRead).equals(expected)).toBe(true);
    }
    await file.close();
  });

  test('to four readers at once', async () => {
    const paths = [archivePath, join(mountPoint, passing.name)];
    const hashes = await Promise.all([...paths, ...paths].map(hashOf));
    const passingHash = createHash('sha256')
      .update(generateBytes(passing.seed, 0, passing.size))
      .digest('hex');
    expect(hashes).toEqual([archiveHash, passingHash, archiveHash, passingHash]);
  });

  test('beyond 4 GiB, up to the last byte', async () => {
    const file = await open(join(mountPoint, huge.name));
    for (const position of [2 ** 31 - 5, 2 ** 32 - 5, 2 ** 32, huge.size - 10]) {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(2000), { position });
      const expected = generateBytes(huge.seed, position, Math.min(2000, huge.size - position));
      expect(buffer.subarray(0, bytesRead).equals(expected)).toBe(true);
    }
    await file.close();
  });

  test('through a private memory map, and a shared one is refused rather than wrong', async () => {
    const script = [
      'import mmap, hashlib, sys, errno',
      'f = open(sys.argv[1], "rb")',
      'm = mmap.mmap(f.fileno(), 0, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ)',
      'print(hashlib.sha256(m).hexdigest())',
      'try: mmap.mmap(f.fileno(), 0, flags=mmap.MAP_SHARED, prot=mmap.PROT_READ)',
      'except OSError as e: print(errno.errorcode[e.errno])',
    ].join('\n');
    const { stdout } = await run('python3', ['-c', script, archivePath]);
    expect(stdout).toBe(`${archiveHash}\nENODEV\n`);
  });
});

describe('writing is refused', () => {
  test.each([
    ['a file that is there', archiveName],
    ['a new file', 'new'],
  ])('to %s', async (_, name) => {
    await expect(writeFile(join(mountPoint, name), 'x')).rejects.toMatchObject({ code: 'EROFS' });
  });

  test.each([
    ['rm', ['-f', archiveName]],
    ['mkdir', ['folder']],
    ['mv', [archiveName, 'other']],
    ['chmod', ['600', archiveName]],
    ['touch', [archiveName]],
    ['truncate', ['-s', '0', archiveName]],
    ['ln', ['-s', 'x', 'link']],
  ])('by %s', async (command, args) => {
    const env = { ...process.env, LC_ALL: 'C' };
    await expect(run(command, args, { cwd: mountPoint, env })).rejects.toThrow('Read-only file system');
  });
});

describe('a failing file', () => {
  test.each(['rejects-corrupt', 'throws-at-once', 'reads-short', 'opens-not', 'opens-not-later'])(
    'that %s is EIO, and the daemon lives on',
    async (name) => {
      await expect(readFile(join(mountPoint, 'faulty', name))).rejects.toMatchObject({ code: 'EIO' });
      expect(isAlive(pid)).toBe(true);
      expect(await readFile(join(mountPoint, folderName, 'one.tar'), 'utf8')).toBe('one');
    },
  );

  test('gives what is good before it fails, and a copy of it fails', async () => {
    const path = join(mountPoint, 'faulty', 'corrupt-late');
    const file = await open(path);
    const { bytesRead } = await file.read(Buffer.alloc(128 * 1024), { position: 0 });
    expect(bytesRead).toBe(128 * 1024);
    await file.close();
    await expect(run('cp', [path, join(bench.folder, basename(path))])).rejects.toMatchObject({ code: 1 });
  });

  test('is told to the log, with its path', async () => {
    await expect(readFile(join(mountPoint, 'faulty', 'throws-at-once'))).rejects.toThrow();
    expect(await readFile(bench.logPath, 'utf8')).toContain('/faulty/throws-at-once: TypeError: a mistake');
  });

  test('that closes-not is read all the same', async () => {
    expect(await readFile(join(mountPoint, 'faulty', 'closes-not'))).toHaveLength(300_000);
    expect(isAlive(pid)).toBe(true);
  });
});

test('a daemon whose JavaScript is busy still gives the right bytes', async () => {
  const busy = await bench.mount({ isBusy: true });
  expect(await hashOf(join(busy.mountPoint, archiveName))).toBe(archiveHash);
});
