import { createHash } from 'node:crypto';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cache, openCache } from '../../../src/cache/cache.ts';
import { recipeDigest } from '../../../src/plan/layout/recipe.ts';
import { type Bundle, openRecipe } from '../../../src/bundle/open-bundle.ts';
import { prepareBundle } from '../../../src/bundle/prepare-bundle.ts';
import { type Digest, hexOf } from '../../../src/ground/digest.ts';
import type { VirtualFile } from '../../../src/file/virtual-file.ts';
import { bundleDescriptionSchema } from '../../../src/bundle/description.ts';
import { createStick, type Stick, type StickFile } from '../../../src/product/stick/create-stick.ts';
import { buildOddImages, buildSampleImages, type FixtureImage } from '../../fixtures/sample-images.ts';
import { createMemorySource } from '../../support/memory-source.ts';
import { makeTempFolder } from '../../support/temp-folder.ts';

const publishedMs = Date.UTC(2026, 10, 25);
const common = { tool: 'bundlefs 9.9.9', publishedMs };

const profile = { preset: 0, extreme: false, check: 'crc64' } as const;

async function prepare(cache: Cache, images: readonly FixtureImage[]): Promise<Bundle> {
  return prepareBundle({ source: createMemorySource(images), references: [], cache, profile });
}

/** A cache with the bundle of the sample in it, which no test changes; each opens a copy of it. */
let madeCache: string;
let madeRecipe: Digest;

beforeAll(async () => {
  madeCache = await mkdtemp(join(tmpdir(), 'bfs-'));
  const images = [...(await buildSampleImages({ scale: 4 })), ...(await buildOddImages())];
  await using bundle = await prepare(await openCache(madeCache), images);
  madeRecipe = recipeDigest(bundle.recipe);
}, 60_000);

afterAll(() => rm(madeCache, { recursive: true }));

async function copyCache(): Promise<{ readonly folder: string; readonly cache: Cache }> {
  const folder = join(await makeTempFolder(), 'cache');
  await cp(madeCache, folder, { recursive: true, preserveTimestamps: true });
  return { folder, cache: await openCache(folder) };
}

async function openBundle(cache: Cache): Promise<Bundle> {
  const recipe = await cache.findRecipe(madeRecipe);
  if (recipe === undefined) throw new Error('no recipe');
  return openRecipe(cache, recipe);
}

async function readAll(file: VirtualFile): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of file.stream()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function bytesOf({ content }: StickFile): Promise<Buffer> {
  return content.kind === 'bytes' ? Buffer.from(content.bytes) : readAll(content.file);
}

function getFile(stick: Stick, name: string): StickFile {
  const file = stick.files.find((entry) => entry.name === name);
  if (file === undefined) throw new Error(`No ${name}`);
  return file;
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('createStick', () => {
  it('lists the archive, its sums, the scripts, bundle.json and the page, each with its size and digest', async () => {
    const { cache } = await copyCache();
    await using bundle = await openBundle(cache);
    const stick = await createStick(bundle, { cache, ...common });
    expect(stick.files.map(({ name, mode }) => [name, mode])).toEqual([
      ['images.tar.xz', 0o444],
      ['SHA256SUMS', 0o444],
      ['load.sh', 0o555],
      ['verify.sh', 0o555],
      ['bundle.json', 0o444],
      ['index.html', 0o444],
    ]);
    const lines: string[] = [];
    for (const file of stick.files) {
      const bytes = await bytesOf(file);
      expect([bytes.length, sha256(bytes)]).toEqual([file.size, hexOf(file.digest)]);
      if (file.name !== 'SHA256SUMS') lines.push(`${sha256(bytes)}  ${file.name}\n`);
    }
    expect((await bytesOf(getFile(stick, 'SHA256SUMS'))).toString()).toBe(lines.join(''));
    const json = JSON.parse((await bytesOf(getFile(stick, 'bundle.json'))).toString()) as unknown;
    expect(bundleDescriptionSchema.parse(json)).toEqual(stick.description);
  });

  it('describes images, layers and sizes as they are', async () => {
    const { cache } = await copyCache();
    await using bundle = await openBundle(cache);
    const { description } = await createStick(bundle, { cache, ...common });
    expect(description.images.map(({ id, names, layers }) => [id, names, layers])).toEqual(
      bundle.images.map(({ configDigest, tags, layers }) => [configDigest, tags, layers]),
    );
    const tar = await readAll(bundle.tar);
    expect(description.archive.tarSize).toBe(tar.length);
    const layerSize = description.layers.reduce((sum, { size }) => sum + size, 0);
    expect(layerSize).toBeLessThan(tar.length);
    expect(tar.length - layerSize).toBeLessThan(200_000); // headers, padding and metadata
    const storedSize = description.layers.reduce((sum, layer) => sum + layer.storedSize, 0);
    expect(description.archive.size - storedSize).toBeGreaterThan(0);
    expect(description.archive.size - storedSize).toBeLessThan(20_000);
    expect(new Set(description.layers.map(({ diffId }) => diffId)).size).toBe(description.layers.length);
  });

  it('cuts the archive into parts that join to it, and keeps their digests', async () => {
    const { folder, cache } = await copyCache();
    await using bundle = await openBundle(cache);
    const maxPartSize = 1_200_000;
    const split = await createStick(bundle, { cache, ...common, maxPartSize });
    const parts = split.files.filter(({ content }) => content.kind === 'extents');
    expect(parts.length).toBeGreaterThan(1);
    expect(parts.map(({ name }) => name)).toEqual(split.description.parts.map(({ name }) => name));
    const bytes = await Promise.all(parts.map(bytesOf));
    expect(Buffer.concat(bytes).equals(await readAll(bundle.xz))).toBe(true);
    expect(bytes.map(sha256)).toEqual(split.description.parts.map((part) => part.sha256));
    expect(bytes.map(({ length }) => length <= maxPartSize)).not.toContain(false);
    expect(split.description.archive).toMatchObject({ isSplit: true, sha256: sha256(Buffer.concat(bytes)) });

    await using again = await openBundle(cache);
    await rm(join(folder, 'v1/blocks'), { recursive: true }); // nothing of the archive can be read any more
    const known = await createStick(again, { cache, ...common, maxPartSize });
    expect(known.description).toEqual(split.description);
    const whole = await createStick(again, { cache, ...common });
    expect(whole.description.archive).toEqual({ ...split.description.archive, isSplit: false });
    await expect(createStick(again, { cache, ...common, maxPartSize: 1_300_000 })).rejects.toMatchObject({
      code: 'block-missing',
    });
  });

  it('makes the same bytes for every mount of one recipe, whatever was computed in between', async () => {
    const { cache } = await copyCache();
    await using first = await openBundle(cache);
    const before = await createStick(first, { cache, ...common });
    await createStick(first, { cache, ...common, maxPartSize: 1_200_000 });
    await using second = await openBundle(cache);
    const after = await createStick(second, { cache, ...common });
    expect(after.files.map(({ name, digest, mtimeMs }) => [name, digest, mtimeMs])).toEqual(
      before.files.map(({ name, digest, mtimeMs }) => [name, digest, mtimeMs]),
    );
    expect(after.description.created).toBe(
      new Date(getFile(after, 'images.tar.xz').mtimeMs).toISOString().replace('.000Z', 'Z'),
    );
  });

  it('tells on the page what changed since the bundle before', async () => {
    const cache = await openCache(await makeTempFolder());
    await using first = await prepare(cache, await buildSampleImages({ scale: 1 }));
    await using second = await prepare(cache, await buildSampleImages({ scale: 1, revision: 2 }));
    const before = await createStick(first, { cache, ...common });
    const alone = await createStick(second, { cache, ...common });
    const after = await createStick(second, { cache, ...common, previous: before.description });
    expect((await bytesOf(getFile(alone, 'index.html'))).toString()).not.toContain('What changed');
    expect((await bytesOf(getFile(after, 'index.html'))).toString()).toContain('What changed');
    expect(getFile(after, 'images.tar.xz').digest).toBe(getFile(alone, 'images.tar.xz').digest);
  });

  it('refuses parts that a block does not fit into, and says which size is enough', async () => {
    const { cache } = await copyCache();
    await using bundle = await openBundle(cache);
    await expect(createStick(bundle, { cache, ...common, maxPartSize: 10_000 })).rejects.toMatchObject({
      code: 'invalid-argument',
      hint: expect.stringContaining('17M') as string,
    });
  });
});
