/** A bundle's `.tar.zst` over a real cache: what is encoded when, and what becomes of damage. */
import { execFileSync } from 'node:child_process';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Cache, openCache } from '../../../src/cache/cache.ts';
import { collectGarbage } from '../../../src/cache/upkeep/collect-garbage.ts';
import { prepareBundle, type PreparedBundle } from '../../../src/bundle/prepare-bundle.ts';
import { surveyCache } from '../../../src/cache/upkeep/survey-cache.ts';
import { verifyCache } from '../../../src/cache/upkeep/verify-cache.ts';
import { openZst } from '../../../src/bundle/zst/open-zst.ts';
import { prepareZst, type PreparedZst, type ZstProgress } from '../../../src/bundle/zst/prepare-zst.ts';
import { buildOddImages, buildSampleImages, type FixtureImage } from '../../fixtures/sample-images.ts';
import { joinStream } from '../../support/join-stream.ts';
import { createMemorySource } from '../../support/memory-source.ts';
import { makeTempFolder } from '../../support/temp-folder.ts';

const profile = { preset: 0, extreme: false, check: 'crc64' } as const;
const { signal } = new AbortController();

async function prepare(cache: Cache, images: readonly FixtureImage[]): Promise<PreparedBundle> {
  return prepareBundle({ source: createMemorySource(images), references: [], cache, profile });
}

async function prepareLevel(bundle: PreparedBundle, cache: Cache, level = 3): Promise<PreparedZst> {
  return prepareZst(bundle, cache, { level, signal });
}

async function listFrames(cache: Cache): Promise<string[]> {
  return [...(await surveyCache(cache, Date.now())).frames.values()].map(({ path }) => path).sort();
}

describe('prepareZst', { timeout: 120_000 }, () => {
  it('gives what xz gives of images.tar.xz, and is the same file each time', async () => {
    const folder = await makeTempFolder();
    const cache = await openCache(join(folder, 'cache'));
    const images = [...(await buildSampleImages()), ...(await buildOddImages())];
    await using bundle = await prepare(cache, images);
    const progress: ZstProgress[] = [];
    const onProgress = (one: ZstProgress): number => progress.push(one);
    const { file, statistics } = await prepareZst(bundle, cache, { level: 3, signal, onProgress });
    const bytes = await joinStream(file.stream());
    expect(bytes).toHaveLength(file.size);
    await writeFile(join(folder, 'a.tar.zst'), bytes);
    await writeFile(join(folder, 'a.tar.xz'), await joinStream(bundle.xz.stream()));
    execFileSync(
      'sh',
      ['-c', 'zstd -tq a.tar.zst && xz -dc a.tar.xz >a.tar && zstd -dcq a.tar.zst | cmp - a.tar'],
      {
        cwd: folder,
      },
    );
    const keys = new Set(bundle.assembled.blocks.map(({ key }) => key));
    expect(statistics).toMatchObject({ size: bytes.length, frameCount: bundle.assembled.blocks.length });
    expect(statistics.encodedFrameCount).toBe(keys.size);
    expect(progress).toHaveLength(keys.size);
    const last = progress.at(-1);
    expect(last?.doneSize).toBe(last?.totalSize);
    expect(last?.encodedSize).toBe(last?.totalSize);

    const again = await prepareLevel(bundle, cache);
    expect(again.statistics).toMatchObject({ encodedFrameCount: 0, encodedSize: 0 });
    expect((await joinStream(again.file.stream())).equals(bytes)).toBe(true);
    const other = await openCache(join(folder, 'other'));
    await using elsewhere = await prepare(other, images);
    const there = await prepareLevel(elsewhere, other);
    expect((await joinStream(there.file.stream())).equals(bytes)).toBe(true);
  });

  it('reads at any place as the whole, and is known without reading', async () => {
    const cache = await openCache(await makeTempFolder());
    await using bundle = await prepare(cache, await buildSampleImages());
    const { file } = await prepareLevel(bundle, cache);
    const bytes = await joinStream(file.stream());
    const opened = await openZst(bundle, cache, 3);
    expect(opened.file.size).toBe(bytes.length);
    for (let position = 1; position < bytes.length; position += 7919) {
      const target = Buffer.alloc(5003);
      const count = await opened.file.read(target, position);
      expect(target.subarray(0, count).equals(bytes.subarray(position, position + 5003))).toBe(true);
    }
  });

  it('encodes only what changed, and everything at another level', async () => {
    const cache = await openCache(await makeTempFolder());
    await using first = await prepare(cache, await buildSampleImages());
    await prepareLevel(first, cache);
    await using second = await prepare(cache, await buildSampleImages({ revision: 2 }));
    const known = new Set(first.assembled.blocks.map(({ key }) => key));
    const fresh = new Set(second.assembled.blocks.map(({ key }) => key).filter((key) => !known.has(key)));
    expect(fresh.size).toBeGreaterThan(0);
    const { statistics } = await prepareLevel(second, cache);
    expect(statistics.encodedFrameCount).toBe(fresh.size);
    expect(statistics.encodedFrameCount).toBeLessThan(statistics.frameCount);
    const higher = await prepareLevel(second, cache, 5);
    expect(higher.statistics.encodedFrameCount).toBeGreaterThan(fresh.size);
    expect((await readdir(join(cache.root, 'frames'))).sort()).toHaveLength(2);
  });

  it('notices a damaged frame, one cut off and another one under its name, and makes them anew', async () => {
    const cache = await openCache(await makeTempFolder());
    await using bundle = await prepare(cache, await buildSampleImages());
    const wanted = await joinStream((await prepareLevel(bundle, cache)).file.stream());
    const [one = '', two = '', three = '', four = ''] = await listFrames(cache);
    const bytes = await readFile(one);
    bytes[10] = (bytes[10] ?? 0) ^ 1;
    await writeFile(one, bytes);
    await writeFile(two, (await readFile(two)).subarray(0, -1));
    await writeFile(three, await readFile(four));
    expect((await verifyCache(cache)).damaged.map(({ path }) => path).sort()).toEqual(
      [one, two, three].sort(),
    );
    await expect(openZst(bundle, cache, 3)).rejects.toMatchObject({ code: 'block-missing' });
    const { file, statistics } = await prepareLevel(bundle, cache);
    expect(statistics.encodedFrameCount).toBe(3);
    expect((await joinStream(file.stream())).equals(wanted)).toBe(true);
    expect(await verifyCache(cache)).toMatchObject({ damaged: [] });
  });

  it('never gives a damaged frame to a reader', async () => {
    const cache = await openCache(await makeTempFolder());
    await using bundle = await prepare(cache, await buildSampleImages());
    await prepareLevel(bundle, cache);
    for (const path of await listFrames(cache)) {
      const bytes = await readFile(path);
      bytes[5] = (bytes[5] ?? 0) ^ 1;
      await writeFile(path, bytes);
    }
    const { file } = await openZst(bundle, cache, 3);
    await expect(file.read(new Uint8Array(1), 0)).rejects.toMatchObject({ code: 'block-corrupt' });
  });

  it('sets a damaged block aside, so that the next build makes it again', async () => {
    const cache = await openCache(await makeTempFolder());
    const images = await buildSampleImages();
    {
      await using bundle = await prepare(cache, images);
      const [block] = [...(await surveyCache(cache, Date.now())).blocks.values()];
      if (block === undefined) throw new TypeError('There is no block');
      const bytes = await readFile(block.path);
      bytes[20] = (bytes[20] ?? 0) ^ 1;
      await writeFile(block.path, bytes);
      await expect(prepareLevel(bundle, cache)).rejects.toMatchObject({
        code: 'block-corrupt',
        path: block.path,
      });
    }
    await using healed = await prepare(cache, images);
    expect(healed.statistics.encodedBlockCount).toBe(1);
    expect((await prepareLevel(healed, cache)).statistics.frameCount).toBeGreaterThan(0);
  });

  it('leaves nothing half-written when it is broken off, and goes on from there', async () => {
    const cache = await openCache(await makeTempFolder());
    await using bundle = await prepare(cache, await buildSampleImages({ scale: 4 }));
    const stopping = new AbortController();
    const onProgress = (): void => {
      stopping.abort(new Error('enough'));
    };
    await expect(
      prepareZst(bundle, cache, { level: 3, signal: stopping.signal, onProgress }),
    ).rejects.toThrow('enough');
    expect(await readdir(join(cache.root, 'partial'))).toEqual([]);
    const before = (await listFrames(cache)).length;
    expect(before).toBeGreaterThan(0);
    const { statistics } = await prepareLevel(bundle, cache);
    expect(statistics.encodedFrameCount).toBeGreaterThan(0);
    expect((await listFrames(cache)).length - before).toBe(statistics.encodedFrameCount);
  });
});

describe('openZst', { timeout: 120_000 }, () => {
  it('encodes nothing: throws block-missing without frames, and takes those of another libzstd', async () => {
    const cache = await openCache(await makeTempFolder());
    await using bundle = await prepare(cache, await buildSampleImages());
    await expect(openZst(bundle, cache, 3)).rejects.toMatchObject({ code: 'block-missing' });
    expect(await listFrames(cache)).toEqual([]);
    const store = await cache.openFrames('zst3-9.9.9');
    const { file } = await prepareLevel(bundle, cache);
    for (const { key } of bundle.assembled.blocks) {
      const record = await (await cache.openFrames(await ownFolder(cache))).findBlock(key);
      if (record === undefined) throw new TypeError('There is no frame');
      const whole = await readFile((await cache.openFrames(await ownFolder(cache))).blockPath(key));
      await store.putBlock(record, whole.subarray(0, record.unpaddedSize));
    }
    await rm(join(cache.root, 'frames', await ownFolder(cache)), { recursive: true });
    const opened = await openZst(bundle, cache, 3);
    expect(opened.profile).toBe('zst3-9.9.9');
    expect(opened.file.size).toBe(file.size);
  });
});

async function ownFolder(cache: Cache): Promise<string> {
  const names = await readdir(join(cache.root, 'frames'));
  return names.find((name) => name !== 'zst3-9.9.9') ?? '';
}

describe('collectGarbage', { timeout: 120_000 }, () => {
  it('keeps the frames of a bundle in use, and removes frames with the blocks of the same content', async () => {
    const cache = await openCache(await makeTempFolder());
    const bundle = await prepare(cache, await buildSampleImages());
    await prepareLevel(bundle, cache);
    const frames = await listFrames(cache);
    const nothing = await collectGarbage(cache, { keepLast: 0, maxSize: 0, olderThanMs: 0 });
    expect(nothing.removals.filter(({ kind }) => kind === 'frame')).toEqual([]);
    expect(await listFrames(cache)).toEqual(frames);
    await bundle[Symbol.asyncDispose]();

    await using other = await prepare(cache, await buildSampleImages({ revision: 4 }));
    const shared = new Set<string>(other.assembled.blocks.map(({ key }) => key));
    const done = await collectGarbage(cache, { keepLast: 0 });
    const gone = done.removals.filter(({ kind }) => kind === 'frame').map(({ file }) => file.name);
    expect(gone.length).toBeGreaterThan(0);
    expect(gone.some((key) => shared.has(key))).toBe(false);
    const left = [...(await surveyCache(cache, Date.now())).frames.values()];
    expect(left.every(({ key }) => shared.has(key))).toBe(true);
    expect((await surveyCache(cache, Date.now())).size).toBe(done.sizeAfter);
  });

  it('counts frames to the size, and removes them to come down to a limit', async () => {
    const cache = await openCache(await makeTempFolder());
    const bundle = await prepare(cache, await buildSampleImages());
    const without = (await surveyCache(cache, Date.now())).size;
    await prepareLevel(bundle, cache);
    await bundle[Symbol.asyncDispose]();
    const { size } = await surveyCache(cache, Date.now());
    expect(size).toBeGreaterThan(1.5 * without);
    const { isWithinSize, removals } = await collectGarbage(cache, { maxSize: size / 2, keepLast: 0 });
    expect(isWithinSize).toBe(true);
    const kinds = new Set(removals.map(({ kind }) => kind));
    expect(kinds).toEqual(new Set(['block', 'frame']));
  });
});
