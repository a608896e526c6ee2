/** The spill: content comes back as it was put, or not at all, whatever its disk does. */
import { execFileSync } from 'node:child_process';
import { open, readdir, readlink, rm } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createSpill, type Spill, type SpillOptions } from '../../src/file/spill.ts';
import { noiseBytes } from '../addon/support/sample-bytes.ts';
import { makeTempFolder } from '../support/temp-folder.ts';

const contentOf = (key: string, size: number): Buffer => noiseBytes(size, key);

function openSpill(folder: string, options: Partial<SpillOptions> = {}): Spill {
  const spill = createSpill({ folder, limit: () => Infinity, ...options });
  onTestFinished(() => spill[Symbol.asyncDispose]());
  return spill;
}

/** The open files of this process that lie in `folder`, as paths that lead to them. */
async function findOpenFiles(folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const fd of await readdir('/proc/self/fd')) {
    const path = join('/proc/self/fd', fd);
    const target = await readlink(path).catch(() => '');
    if (target.startsWith(`${folder}/`)) found.push(path);
  }
  return found;
}

async function makeSmallDisk(size: string): Promise<string> {
  const folder = await makeTempFolder();
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder]);
  onTestFinished(() => {
    execFileSync('umount', ['--lazy', folder]);
  });
  return folder;
}

/** What is read of all `keys` whole: those that come back are right. Returns them. */
async function readBack(spill: Spill, keys: readonly string[], size: number): Promise<string[]> {
  const found: string[] = [];
  for (const key of keys) {
    const target = Buffer.alloc(size);
    if (!(await spill.read(key, target, 0))) continue;
    expect(target.equals(contentOf(key, size))).toBe(true);
    found.push(key);
  }
  return found;
}

const keysOf = (count: number): string[] => Array.from({ length: count }, (_, index) => `key ${index}`);

describe('createSpill', () => {
  it('gives any range of what was put, before it is written and after, and no name to its files', async () => {
    const folder = await makeTempFolder();
    const size = fc.integer({ min: 1, max: 100_000 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(size, { minLength: 1, maxLength: 5 }),
        fc.infiniteStream(fc.nat()),
        async (sizes, numbers) => {
          await using spill = createSpill({ folder, limit: () => Infinity });
          const check = async (): Promise<void> => {
            for (const [index, length] of sizes.entries()) {
              const content = contentOf(String(index), length);
              const start = (numbers.next().value ?? 0) % length;
              const target = Buffer.alloc((numbers.next().value ?? 0) % (length - start));
              const wanted = content.subarray(start, start + target.length);
              if (spill.tryRead(String(index), target, start)) expect(target.equals(wanted)).toBe(true);
              target.fill(0);
              expect(await spill.read(String(index), target, start)).toBe(true);
              expect(target.equals(wanted)).toBe(true);
            }
          };
          for (const [index, length] of sizes.entries())
            spill.put(String(index), contentOf(String(index), length));
          await check();
          await spill.settle();
          expect(spill.usedSize).toBe(sizes.reduce((sum, length) => sum + length, 0));
          await check();
          expect(await spill.read('another', Buffer.alloc(1), 0)).toBe(false);
          expect(await readdir(folder)).toEqual([]);
        },
      ),
      { numRuns: 40 },
    );
    expect(await findOpenFiles(folder)).toEqual([]);
  });

  it('reads at once what is in the page cache', async () => {
    const spill = openSpill(await makeTempFolder());
    const content = contentOf('a', 50_000);
    spill.put('a', content);
    await spill.settle();
    const target = Buffer.alloc(20_000);
    expect(spill.tryRead('a', target, 15_000)).toBe(true);
    expect(target.equals(content.subarray(15_000, 35_000))).toBe(true);
  });

  it('keeps to its limit, and gives up first what was read longest ago', async () => {
    const spill = openSpill(await makeTempFolder(), { limit: () => 1_000_000 });
    const keys = keysOf(9);
    for (const key of keys) {
      spill.put(key, contentOf(key, 100_000));
      await spill.settle();
    }
    expect(await spill.read('key 0', Buffer.alloc(1), 0)).toBe(true);
    for (const key of ['late 1', 'late 2', 'late 3']) {
      spill.put(key, contentOf(key, 100_000));
      await spill.settle();
      expect(spill.usedSize).toBeLessThanOrEqual(1_000_000);
    }
    expect(keys.map((key) => spill.has(key))).toEqual([
      true,
      true,
      false,
      false,
      ...keys.slice(4).map(() => true),
    ]);
    expect(await readBack(spill, ['key 0', 'late 1', 'late 2', 'late 3'], 100_000)).toHaveLength(4);
    spill.put('larger than all', contentOf('x', 1_000_001));
    await spill.settle();
    expect(spill.has('larger than all')).toBe(false);
    expect(spill.has('late 3')).toBe(true);
  });

  it('lets go of what comes faster than it can be written', async () => {
    const spill = openSpill(await makeTempFolder());
    const content = Buffer.alloc(16 * 2 ** 20);
    for (const key of keysOf(5)) spill.put(key, content);
    expect(keysOf(5).map((key) => spill.has(key))).toEqual([true, true, true, false, false]);
    await spill.settle();
    spill.put('key 4', content);
    expect(spill.has('key 4')).toBe(true);
  });

  it('stops growing where the disk is full, says so once, and goes on with what it has', async () => {
    const failures: unknown[] = [];
    const spill = openSpill(await makeSmallDisk('1m'), { onFailure: (error) => failures.push(error) });
    const keys = keysOf(40);
    for (const key of keys) {
      spill.put(key, contentOf(key, 60_000));
      await spill.settle();
    }
    expect(failures).toEqual([expect.objectContaining({ code: 'ENOSPC' })]);
    const found = await readBack(spill, keys, 60_000);
    expect(found.length).toBeGreaterThan(0);
    expect(spill.usedSize).toBe(found.length * 60_000);
    expect(spill.usedSize).toBeLessThan(2 ** 20);
  });

  it('finds nothing where its folder is gone', async () => {
    const folder = await makeTempFolder();
    await rm(folder, { recursive: true });
    const failures: unknown[] = [];
    const spill = openSpill(folder, { onFailure: (error) => failures.push(error) });
    for (const key of ['a', 'b']) {
      spill.put(key, contentOf(key, 1000));
      await spill.settle();
    }
    expect(failures).toEqual([expect.objectContaining({ code: 'ENOENT' })]);
    expect(await readBack(spill, ['a', 'b'], 1000)).toEqual([]);
  });

  it('gives no byte of a chunk that comes back changed or short, at once or later, and all others', async () => {
    const folder = await makeTempFolder();
    for (const [length, way] of [
      [100_000, 'changed'],
      [40_000, 'short'],
    ] as const) {
      for (const readsAtOnce of [true, false]) {
        const spill = openSpill(folder);
        const content = contentOf('a', 100_000);
        spill.put('a', content);
        await spill.settle();
        const [path = ''] = await findOpenFiles(folder);
        const file = await open(path, 'r+');
        if (way === 'changed') await file.write(Buffer.from([(content[50_000] ?? 0) ^ 1]), 0, 1, 50_000);
        await file.truncate(length);
        await file.close();
        const target = Buffer.alloc(1000);
        expect(await spill.read('a', target, 20_000)).toBe(true);
        expect(target.equals(content.subarray(20_000, 21_000))).toBe(true);
        // Another place in the same chunk as the byte that is wrong.
        if (readsAtOnce) expect(spill.tryRead('a', target, 51_000)).toBe(false);
        expect(await spill.read('a', target, 51_000)).toBe(false);
        expect(spill.has('a')).toBe(false);
        await spill[Symbol.asyncDispose]();
      }
    }
  });

  it('answers reads under way while what they read is given up', async () => {
    const spill = openSpill(await makeTempFolder(), { limit: () => 300_000 });
    for (let round = 0; round < 20; round++) {
      const [old, next] = [`round ${round}`, `round ${round + 1}`];
      spill.put(old, contentOf(old, 200_000));
      await spill.settle();
      const targets = Array.from({ length: 8 }, () => Buffer.alloc(200_000));
      const reads = targets.map((target) => spill.read(old, target, 0));
      spill.put(next, contentOf(next, 200_000));
      const found = await Promise.all(reads);
      for (const [index, target] of targets.entries()) {
        if (found[index] === true) expect(target.equals(contentOf(old, 200_000))).toBe(true);
      }
      await spill.settle();
    }
  });
});
