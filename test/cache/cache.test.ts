import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { BlockKey } from '../../src/plan/layout/block-record.ts';
import { cachePath, openCache } from '../../src/cache/cache.ts';
import { type DiffId, digestOf } from '../../src/ground/digest.ts';
import { makeTempFolder } from '../support/temp-folder.ts';

const profile = {
  liblzma: '5.4.1',
  preset: 6,
  extreme: false,
  check: 'crc64',
  cutter: 'content-4m-1',
} as const;
const diffId = digestOf(Buffer.from('layer')) as DiffId;
const block = {
  key: 'ab'.repeat(32) as BlockKey,
  unpaddedSize: 101,
  uncompressedSize: 5000,
  digest: digestOf(Buffer.from('stored')),
  crc64: '0123456789abcdef',
};

describe('cachePath', () => {
  it('is the folder given, else BUNDLEFS_CACHE, else in the XDG cache home', () => {
    expect(cachePath('/a', { BUNDLEFS_CACHE: '/b' })).toBe('/a');
    expect(cachePath(undefined, { BUNDLEFS_CACHE: '/b', XDG_CACHE_HOME: '/c' })).toBe('/b');
    expect(cachePath(undefined, { XDG_CACHE_HOME: '/c' })).toBe('/c/bundlefs');
    expect(cachePath(undefined, { XDG_CACHE_HOME: 'relative' })).toBe(join(homedir(), '.cache/bundlefs'));
  });
});

describe('openCache', () => {
  it('keeps layer records, and takes a damaged one for missing', async () => {
    const folder = await makeTempFolder();
    const layers = await (await openCache(folder)).openLayers(profile);
    await layers.putLayer({ diffId, size: 10_000, blocks: [block, block] });
    expect(await layers.findLayer(diffId)).toEqual({ diffId, size: 10_000, blocks: [block, block] });
    const path = join(folder, 'v1/layers/xz6-crc64-5.4.1-content-4m-1', `${diffId.slice(7)}.json`);
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replace('5000', '5001'));
    expect(await layers.findLayer(diffId)).toBeUndefined();
    await writeFile(path, '');
    expect(await layers.findLayer(diffId)).toBeUndefined();
  });

  it('keeps configs by digest and by image id', async () => {
    const cache = await openCache(await makeTempFolder());
    const config = Buffer.from('{"a":1}');
    const digest = await cache.putConfig(config);
    expect(digest).toBe(digestOf(config));
    expect(await cache.findConfig(digest)).toEqual(config);
    const imageId = digestOf(Buffer.from('manifest'));
    expect(await cache.findImageConfig(imageId)).toBeUndefined();
    await cache.putImageConfig(imageId, digest);
    expect(await cache.findImageConfig(imageId)).toBe(digest);
  });

  it('throws cache-read-only where it cannot write, naming the folder', async () => {
    const folder = await makeTempFolder();
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro', 'tmpfs', folder]);
    onTestFinished(() => {
      execFileSync('umount', [folder]);
    });
    await expect(openCache(folder)).rejects.toMatchObject({ code: 'cache-read-only' });
  });

  it('throws cache-failed where a file is in the way', async () => {
    const folder = await makeTempFolder();
    await writeFile(join(folder, 'v1'), '');
    await expect(openCache(folder)).rejects.toMatchObject({ code: 'cache-failed' });
  });

  it('throws cache-full when the disk is full, and stays sound', async () => {
    const folder = await makeTempFolder();
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', folder]);
    onTestFinished(() => {
      execFileSync('umount', [folder]);
    });
    const store = await (await openCache(folder)).openBlocks(profile);
    const put = (index: number): Promise<void> => {
      const bytes = Buffer.alloc(60_000, index);
      const key = index.toString(16).padStart(64, '0') as BlockKey;
      return store.putBlock({ ...block, key, unpaddedSize: 60_000 }, bytes);
    };
    const results = await Promise.allSettled([1, 2, 3, 4, 5, 6].map(put));
    const failed = results.filter((result) => result.status === 'rejected');
    expect(failed.length).toBeGreaterThan(0);
    for (const { reason } of failed) expect(reason).toMatchObject({ code: 'cache-full' });
    expect(await readdir(join(folder, 'v1/partial'))).toEqual([]);
  });

  it('sweeps what dead processes left', async () => {
    const folder = await makeTempFolder();
    await mkdir(join(folder, 'v1/partial'), { recursive: true });
    await writeFile(join(folder, 'v1/partial/.x.0123.partial'), 'half');
    await openCache(folder);
    expect(await readdir(join(folder, 'v1/partial'))).toEqual([]);
  });
});
