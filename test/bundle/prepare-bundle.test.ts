import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type Cache, openCache } from '../../src/cache/cache.ts';
import { recipeDigest } from '../../src/plan/layout/recipe.ts';
import { openRecipe } from '../../src/bundle/open-bundle.ts';
import { prepareBundle, type PreparedBundle } from '../../src/bundle/prepare-bundle.ts';
import type { VirtualFile } from '../../src/file/virtual-file.ts';
import type { ImageSource } from '../../src/image/image-source.ts';
import { buildOddImages, buildSampleImages, type FixtureImage } from '../fixtures/sample-images.ts';
import { createMemorySource } from '../support/memory-source.ts';
import { makeTempFolder } from '../support/temp-folder.ts';

const profile = { preset: 1, extreme: false, check: 'crc64' } as const;

async function prepare(cache: Cache, source: ImageSource): Promise<PreparedBundle> {
  return prepareBundle({ source, references: [], cache, profile });
}

async function readAll(file: VirtualFile): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of file.stream()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function makeBundle(cacheFolder: string, images: readonly FixtureImage[]): Promise<Buffer> {
  await using bundle = await prepare(await openCache(cacheFolder), createMemorySource(images));
  return await readAll(bundle.xz);
}

async function listBlockFiles(cacheFolder: string): Promise<string[]> {
  const entries = await readdir(join(cacheFolder, 'v1/blocks'), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('prepareBundle', () => {
  it('gives a known bundle where nothing can be written down of it: then all is checked', async () => {
    const folder = await makeTempFolder();
    const images = await buildSampleImages();
    const before = await makeBundle(folder, images);
    vi.stubEnv('XDG_STATE_HOME', '/dev/null/state');
    onTestFinished(() => {
      vi.unstubAllEnvs();
    });
    const cache = await openCache(folder);
    for (const path of await listBlockFiles(folder)) await utimes(path, 1, 1);
    await using bundle = await prepare(cache, createMemorySource(images));
    expect(cache.foreign.count).toBeGreaterThan(0);
    expect(bundle.statistics.encodedBlockCount).toBe(0);
    expect((await readAll(bundle.xz)).equals(before)).toBe(true);
  });

  it('makes one .xz stream that xz and tar accept, with sizes in every block header', async () => {
    const folder = await makeTempFolder();
    const images = [...(await buildSampleImages()), ...(await buildOddImages())];
    const path = join(folder, 'images.tar.xz');
    await writeFile(path, await makeBundle(join(folder, 'cache'), images));
    execFileSync('xz', ['-t', path]);
    const listing = execFileSync('xz', ['--robot', '-lvv', path], { encoding: 'utf8' }).trim().split('\n');
    const streams = listing.filter((line) => line.startsWith('stream\t'));
    const flags = listing.filter((line) => line.startsWith('block\t')).map((line) => line.split('\t')[12]);
    expect(streams).toHaveLength(1);
    expect(flags.length).toBeGreaterThan(10);
    expect(new Set(flags)).toEqual(new Set(['cu']));
    const names = execFileSync('tar', ['tJf', path], { encoding: 'utf8' }).trim().split('\n');
    const layers = new Set(images.flatMap((image) => image.layers.map(sha256)));
    expect(names.slice(0, layers.size).sort()).toEqual(
      [...layers].sort().map((hex) => `blobs/sha256/${hex}`),
    );
    for (const image of images) {
      for (const layer of image.layers) {
        const name = `blobs/sha256/${sha256(layer)}`;
        const member = execFileSync('tar', ['xJOf', path, name], { maxBuffer: 64 * 1024 * 1024 });
        expect(sha256(member)).toBe(sha256(layer));
      }
    }
  });

  it('encodes nothing the second time, and reads no layer', async () => {
    const cache = await openCache(await makeTempFolder());
    const images = await buildSampleImages();
    await using first = await prepare(cache, createMemorySource(images));
    expect(first.statistics.encodedBlockCount).toBeGreaterThan(0);
    const source = createMemorySource(images);
    await using second = await prepare(cache, source);
    expect(second.statistics.encodedBlockCount).toBe(0);
    expect(second.statistics.reusedSize).toBe(first.statistics.reusedSize + first.statistics.encodedSize);
    expect(source.readLayerCount).toBe(0);
    expect(await readAll(second.xz)).toEqual(await readAll(first.xz));
  });

  it('gives the same bytes from an empty cache and from one with other images in it, in any order of images', async () => {
    const folder = await makeTempFolder();
    const images = await buildSampleImages({ revision: 2 });
    await makeBundle(join(folder, 'a'), await buildSampleImages({ revision: 4 }));
    const warm = await makeBundle(join(folder, 'a'), [...images].reverse());
    const cold = await makeBundle(join(folder, 'b'), images);
    expect(sha256(warm)).toBe(sha256(cold));
  });

  it('encodes only the changed layer and metadata after a change', async () => {
    const cache = await openCache(await makeTempFolder());
    await (await prepare(cache, createMemorySource(await buildSampleImages())))[Symbol.asyncDispose]();
    const source = createMemorySource(await buildSampleImages({ revision: 2 }));
    await using changed = await prepare(cache, source);
    expect(source.readLayerCount).toBe(1);
    const { encodedBlockCount, blockCount } = changed.statistics;
    expect(encodedBlockCount).toBeGreaterThan(0);
    expect(encodedBlockCount).toBeLessThan(blockCount / 2);
  });

  it.each(['crc32', 'crc64', 'sha256'] as const)('writes %s checks that xz accepts', async (check) => {
    const cache = await openCache(await makeTempFolder());
    const source = createMemorySource(await buildOddImages());
    await using bundle = await prepareBundle({
      source,
      references: [],
      cache,
      profile: { ...profile, check },
    });
    execFileSync('xz', ['-t'], { input: await readAll(bundle.xz) });
  });

  it('makes a damaged or missing block again from the source', async () => {
    const folder = await makeTempFolder();
    const images = await buildSampleImages();
    const wanted = sha256(await makeBundle(folder, images));
    const [flipped = '', cut = '', gone = '', tail = ''] = await listBlockFiles(folder);
    const bytes = await readFile(flipped);
    bytes.writeUInt8(bytes.readUInt8(20) ^ 4, 20);
    await writeFile(flipped, bytes);
    await truncate(cut, 40);
    await rm(gone);
    const trailer = await readFile(tail);
    trailer.writeUInt8(trailer.readUInt8(trailer.length - 20) ^ 1, trailer.length - 20);
    await writeFile(tail, trailer);
    expect(sha256(await makeBundle(folder, images))).toBe(wanted);
    expect(await readdir(join(folder, 'v1/bad'))).toHaveLength(1);
  });

  it('fails with block-corrupt where a damaged block cannot be made again', async () => {
    const folder = await makeTempFolder();
    const images = await buildSampleImages();
    await makeBundle(folder, images);
    for (const path of await listBlockFiles(folder)) {
      const bytes = await readFile(path);
      bytes.writeUInt8(bytes.readUInt8(20) ^ 4, 20);
      await writeFile(path, bytes);
    }
    const source = createMemorySource(images);
    let callCount = 0;
    const once: ImageSource = {
      ...source,
      readImages: (...args) => {
        callCount += 1;
        return callCount === 1 ? source.readImages(...args) : Promise.reject(new Error('read already'));
      },
    };
    await expect(prepare(await openCache(folder), once)).rejects.toMatchObject({ code: 'block-corrupt' });
    expect(sha256(await makeBundle(folder, images))).toHaveLength(64);
  });

  it('throws layer-mismatch where a layer does not hash to its diffId, and keeps no record of it', async () => {
    const folder = await makeTempFolder();
    const [web] = await buildSampleImages();
    if (web === undefined) throw new Error('no sample');
    const lying: FixtureImage = { ...web, layers: [...web.layers] };
    const source = createMemorySource([lying]);
    const honest = source.readImages.bind(source);
    source.readImages = (references, sink, options) =>
      honest(
        references,
        {
          ...sink,
          addLayer: (_, add) => sink.addLayer([Buffer.from('other bytes')] as never, add),
        },
        options,
      );
    await expect(prepare(await openCache(folder), source)).rejects.toMatchObject({ code: 'layer-mismatch' });
    const layers = await readdir(join(folder, 'v1/layers'), { recursive: true });
    expect(layers.filter((name) => name.endsWith('.json'))).toEqual([]);
  });

  it('stops when it is aborted, and the next run goes on', async () => {
    const folder = await makeTempFolder();
    const cache = await openCache(folder);
    const images = await buildSampleImages({ scale: 4 });
    const controller = new AbortController();
    const run = prepareBundle({
      source: createMemorySource(images),
      references: [],
      cache,
      profile,
      signal: controller.signal,
      onProgress: () => {
        controller.abort(new Error('enough'));
      },
    });
    await expect(run).rejects.toThrow();
    expect(await readdir(join(folder, 'v1/partial'))).toEqual([]);
    await using bundle = await prepare(cache, createMemorySource(images));
    execFileSync('xz', ['-t'], { input: await readAll(bundle.xz) });
  });
});

describe('openRecipe', () => {
  it('opens the same bundle from the cache alone', async () => {
    const cache = await openCache(await makeTempFolder());
    await using made = await prepare(cache, createMemorySource(await buildSampleImages()));
    const kept = await cache.findRecipe(recipeDigest(made.recipe));
    if (kept === undefined) throw new Error('the recipe was not kept');
    await using opened = await openRecipe(cache, kept);
    expect(sha256(await readAll(opened.xz))).toBe(sha256(await readAll(made.xz)));
    expect(opened.images).toEqual(made.images);
  });

  it('throws block-missing where the cache has lost a layer record', async () => {
    const folder = await makeTempFolder();
    const cache = await openCache(folder);
    await using made = await prepare(cache, createMemorySource(await buildSampleImages()));
    await rm(join(folder, 'v1/layers'), { recursive: true });
    await expect(openRecipe(cache, made.recipe)).rejects.toMatchObject({ code: 'block-missing' });
  });
});

describe('the views of a bundle', () => {
  it('gives as tar what xz decodes, at any position', async () => {
    const cache = await openCache(await makeTempFolder());
    await using bundle = await prepare(cache, createMemorySource(await buildSampleImages()));
    const tar = execFileSync('xz', ['-dc'], { input: await readAll(bundle.xz), maxBuffer: 64 * 1024 * 1024 });
    expect(sha256(await readAll(bundle.tar))).toBe(sha256(tar));
    expect(bundle.tar.size).toBe(tar.length);
    for (const [position, length] of [
      [0, 1],
      [511, 5000],
      [300_001, 400_000],
      [tar.length - 10, 100],
      [tar.length, 10],
    ] as const) {
      const target = Buffer.alloc(length);
      const count = await bundle.tar.read(target, position);
      expect(target.subarray(0, count).equals(tar.subarray(position, position + length))).toBe(true);
    }
  });
});
