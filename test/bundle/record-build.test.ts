import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openCache } from '../../src/cache/cache.ts';
import { recipeDigest } from '../../src/plan/layout/recipe.ts';
import { completeProfile } from '../../src/bundle/prepare-bundle.ts';
import { recordBuild } from '../../src/bundle/record-build.ts';
import { BundleError } from '../../src/ground/errors.ts';
import { buildSampleImages } from '../fixtures/sample-images.ts';
import { createMemorySource } from '../support/memory-source.ts';
import { makeTempFolder } from '../support/temp-folder.ts';

const profile = { preset: 1, extreme: false, check: 'crc64' } as const;
const origin = { verb: 'build', version: '1.2.3' };

describe('recordBuild', () => {
  it('leaves an entry with images, statistics, costs and the blocks that were encoded', async () => {
    const cache = await openCache(await makeTempFolder());
    const source = createMemorySource(await buildSampleImages());
    await using bundle = await recordBuild({ source, references: [], cache, profile }, origin);
    await using again = await recordBuild({ source, references: [], cache, profile }, origin);
    const [second, first] = await cache.listBuilds();
    expect(first).toMatchObject({
      ...origin,
      source: 'images in memory',
      recipe: recipeDigest(bundle.recipe),
      statistics: bundle.statistics,
    });
    expect(first?.images.map(({ config }) => config)).toEqual(
      bundle.images.map((image) => image.configDigest),
    );
    expect(first?.profile).toContain(completeProfile(profile).cutter);
    const keys = new Set(bundle.assembled.blocks.map(({ key }) => key));
    expect(new Set(first?.encodedBlocks)).toEqual(keys);
    expect(first?.costs.encodeSeconds).toBeGreaterThan(0);
    expect(first?.costs.seconds).toBeGreaterThanOrEqual(first?.costs.encodeSeconds ?? Infinity);
    expect(bundle.statistics.encodedUncompressedSize + bundle.statistics.reusedUncompressedSize).toBe(
      bundle.statistics.uncompressedSize,
    );
    expect(second).toMatchObject({ ...again.entry, encodedBlocks: [], costs: { encodeSeconds: 0 } });
  });

  it('leaves an entry of a build that failed, with the reason', async () => {
    const cache = await openCache(await makeTempFolder());
    const failing = {
      ...createMemorySource([]),
      readImages: () =>
        Promise.reject(new BundleError('source-unreachable', 'Cannot reach "it": it is gone')),
    };
    const building = recordBuild({ source: failing, references: [], cache, profile }, origin);
    await expect(building).rejects.toMatchObject({ code: 'source-unreachable' });
    expect(await cache.listBuilds()).toMatchObject([
      { error: { code: 'source-unreachable', message: 'Cannot reach "it": it is gone' }, images: [] },
    ]);
  });

  it('makes the bundle all the same where the journal cannot be written', async () => {
    const folder = await makeTempFolder();
    const cache = await openCache(folder);
    await rm(join(folder, 'v1/builds'), { recursive: true, force: true });
    await writeFile(join(folder, 'v1/builds'), 'in the way');
    const source = createMemorySource(await buildSampleImages());
    await using bundle = await recordBuild({ source, references: [], cache, profile }, origin);
    expect(bundle.images).toHaveLength(3);
  });
});
