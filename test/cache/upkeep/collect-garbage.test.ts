import { readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Cache, openCache } from '../../../src/cache/cache.ts';
import type { HeldLease } from '../../../src/cache/leases.ts';
import { recipeDigest } from '../../../src/plan/layout/recipe.ts';
import { collectAutomatically } from '../../../src/cache/upkeep/collect-automatically.ts';
import { collectGarbage } from '../../../src/cache/upkeep/collect-garbage.ts';
import { openRecipe } from '../../../src/bundle/open-bundle.ts';
import { planCollection } from '../../../src/cache/upkeep/plan-collection.ts';
import { prepareBundle, type PreparedBundle } from '../../../src/bundle/prepare-bundle.ts';
import { type CacheSurvey, type KeptRecipe, surveyCache } from '../../../src/cache/upkeep/survey-cache.ts';
import { verifyCache } from '../../../src/cache/upkeep/verify-cache.ts';
import type { VirtualFile } from '../../../src/file/virtual-file.ts';
import { buildSampleImages } from '../../fixtures/sample-images.ts';
import { createMemorySource } from '../../support/memory-source.ts';
import { makeTempFolder } from '../../support/temp-folder.ts';

const profile = { preset: 0, extreme: false, check: 'crc64' } as const;
const dayMs = 24 * 60 * 60 * 1000;

async function prepare(cache: Cache, revision: 1 | 2 | 3 | 4): Promise<PreparedBundle> {
  const source = createMemorySource(await buildSampleImages({ revision }));
  return prepareBundle({ source, references: [], cache, profile });
}

async function readAll(file: VirtualFile): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of file.stream()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** As if all that is in the cache had been written and used `days` ago. */
async function age(cache: Cache, days: number): Promise<void> {
  const time = new Date(Date.now() - days * dayMs);
  for (const entry of await readdir(cache.root, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) await utimes(join(entry.parentPath, entry.name), time, time);
  }
}

async function listStored(cache: Cache): Promise<string[]> {
  return [...(await surveyCache(cache, Date.now())).blocks.keys()].sort();
}

describe('collectGarbage', { timeout: 120_000 }, () => {
  it('keeps what the last bundles need, and a removed bundle comes back with the same bytes', async () => {
    const cache = await openCache(await makeTempFolder());
    const first = await prepare(cache, 1);
    const wanted = await readAll(first.xz);
    await first[Symbol.asyncDispose]();
    await age(cache, 2);
    const second = await prepare(cache, 4);
    const wantedSecond = await readAll(second.xz);
    await second[Symbol.asyncDispose]();

    const before = await listStored(cache);
    const dry = await collectGarbage(cache, { keepLast: 1 }, { isDryRun: true });
    expect(await listStored(cache)).toEqual(before);
    const done = await collectGarbage(cache, { keepLast: 1 });
    expect(done.removals.length).toBeGreaterThan(0);
    expect(done.removals.map(({ file }) => file.path)).toEqual(dry.removals.map(({ file }) => file.path));
    expect(new Set(done.removals.map(({ kind, reason }) => `${kind} ${reason}`))).toEqual(
      new Set(['block not-kept']),
    );
    expect((await surveyCache(cache, Date.now())).size).toBe(done.sizeAfter);

    await using kept = await openRecipe(cache, second.recipe);
    expect(await readAll(kept.xz)).toEqual(wantedSecond);
    await expect(openRecipe(cache, first.recipe)).rejects.toMatchObject({ code: 'block-missing' });
    await using again = await prepare(cache, 1);
    expect(again.statistics.encodedBlockCount).toBeGreaterThan(0);
    expect(await readAll(again.xz)).toEqual(wanted);
  });

  it('removes nothing of a bundle that somebody holds, and records nothing as its age', async () => {
    const cache = await openCache(await makeTempFolder());
    const held = await prepare(cache, 1);
    await age(cache, 400);
    const nothing = await collectGarbage(cache, { keepLast: 0, maxSize: 0, olderThanMs: 0 });
    expect(nothing.removals.filter(({ kind }) => kind === 'block' || kind === 'recipe')).toEqual([]);
    expect(nothing.isWithinSize).toBe(false);
    expect(await readAll(held.xz)).toHaveLength(held.xz.size);
    await held[Symbol.asyncDispose]();
    await collectGarbage(cache, { keepLast: 0, maxSize: 0 });
    expect(await listStored(cache)).toEqual([]);
  });

  it('removes what was used longest ago first, down to the size', async () => {
    const cache = await openCache(await makeTempFolder());
    const old = await prepare(cache, 1);
    await old[Symbol.asyncDispose]();
    await age(cache, 9);
    const newer = await prepare(cache, 4);
    await newer[Symbol.asyncDispose]();
    const needed = new Set(
      (await surveyCache(cache, Date.now())).recipes.find(
        ({ digest }) => digest === recipeDigest(newer.recipe),
      )?.blocks,
    );
    const { size } = await surveyCache(cache, Date.now());
    const result = await collectGarbage(cache, { keepLast: 0, maxSize: size - 1 });
    expect(result.removals).toHaveLength(1);
    expect(result.removals[0]).toMatchObject({ kind: 'block', reason: 'over-size' });
    expect(
      needed.has(`${result.removals[0]?.file.path.split('/').at(-3)}/${result.removals[0]?.file.name}`),
    ).toBe(false);
    expect(result.isWithinSize).toBe(true);
  });

  it('protects all that a build may find, and every record, while it runs', async () => {
    const cache = await openCache(await makeTempFolder());
    await (await prepare(cache, 1))[Symbol.asyncDispose]();
    await age(cache, 400);
    const [encoder = ''] = await readdir(join(cache.root, 'blocks'));
    const build = await cache.leaseBuild(encoder);
    expect((await collectGarbage(cache, { keepLast: 0 })).removals).toEqual([]);
    await build[Symbol.asyncDispose]();
    const other = await cache.leaseBuild('xz9-crc64-1.2.3');
    const { removals } = await collectGarbage(cache, { keepLast: 0 });
    expect(new Set(removals.map(({ kind }) => kind))).toEqual(new Set(['block']));
    await other[Symbol.asyncDispose]();
    const kinds = (await collectGarbage(cache, { keepLast: 0 })).removals.map(({ kind }) => kind);
    expect(new Set(kinds)).toEqual(new Set(['recipe', 'layer', 'config']));
    expect(await readdir(join(cache.root, 'uses'))).toEqual([]);
  });

  it('keeps what the images of a recipe need, under its own profile or, where they are not there, under any', async () => {
    const cache = await openCache(await makeTempFolder());
    const first = await prepare(cache, 1);
    const wanted = await readAll(first.xz);
    await first[Symbol.asyncDispose]();
    await (await prepare(cache, 4))[Symbol.asyncDispose]();
    const { recipe, images } = first;
    const kept = [{ profile: recipe.profile, images }];
    const all = { keepLast: 0, maxSize: 0, olderThanMs: 0 };
    const needed = (await surveyCache(cache, Date.now())).recipes.find(
      ({ digest }) => digest === recipeDigest(recipe),
    )?.blocks;
    const done = await collectGarbage(cache, all, { kept });
    expect(new Set(done.protectedBlocks.values())).toEqual(new Set(['kept-recipe']));
    expect(await listStored(cache)).toEqual([...(needed ?? [])].sort());
    await using again = await openRecipe(cache, recipe);
    expect(await readAll(again.xz)).toEqual(wanted);
    await again[Symbol.asyncDispose]();

    // Of its layers under another profile nothing is there: those that are there must do.
    const other = [{ profile: { ...recipe.profile, preset: 9 }, images }];
    await collectGarbage(cache, all, { kept: other });
    const layers = new Set(images.flatMap((image) => image.layers));
    const survey = await surveyCache(cache, Date.now());
    const ofLayers = survey.layers
      .filter(({ diffId }) => layers.has(diffId))
      .flatMap(({ blocks }) => [...blocks]);
    expect([...survey.blocks.keys()].sort()).toEqual([...new Set(ofLayers)].sort());
    expect(survey.blocks.size).toBeGreaterThan(0);
    await collectGarbage(cache, all);
    expect(await listStored(cache)).toEqual([]);
  });

  it('keeps records of the images of a recipe, however old they are', async () => {
    const cache = await openCache(await makeTempFolder());
    const first = await prepare(cache, 1);
    const { recipe, images } = first;
    await first[Symbol.asyncDispose]();
    await age(cache, 400);
    const kept = [{ profile: recipe.profile, images }];
    const old = (plan: { readonly removals: readonly { readonly kind: string }[] }): Set<string> =>
      new Set(plan.removals.map(({ kind }) => kind));
    const limits = { keepLast: 0 };
    const without = await collectGarbage(cache, limits, { isDryRun: true });
    expect(old(without)).toEqual(new Set(['block', 'recipe', 'layer', 'config']));
    expect(old(await collectGarbage(cache, limits, { kept, isDryRun: true }))).toEqual(new Set(['recipe']));
  });

  it('without limits removes only what an interrupted build left a day ago', async () => {
    const folder = await makeTempFolder();
    const cache = await openCache(folder);
    const bundle = await prepare(cache, 1);
    await bundle[Symbol.asyncDispose]();
    for (const name of await readdir(join(cache.root, 'layers'))) {
      await rm(join(cache.root, 'layers', name), { recursive: true });
    }
    for (const name of await readdir(join(cache.root, 'recipes')))
      await rm(join(cache.root, 'recipes', name));
    expect((await collectGarbage(cache, {})).removals).toEqual([]);
    await age(cache, 2);
    expect((await collectGarbage(cache, {})).removals.every(({ reason }) => reason === 'unneeded')).toBe(
      true,
    );
    expect(await listStored(cache)).toEqual([]);
  });
});

describe('planCollection', () => {
  it('touches nothing that is leased or to be kept, and meets the size wherever the rest allows it', () => {
    const blockIds = Array.from({ length: 12 }, (_, index) => `e/${index}`);
    const arbitrary = fc.record({
      sizes: fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 12, maxLength: 12 }),
      recipes: fc.array(
        fc.record({
          blocks: fc.subarray(blockIds),
          useMs: fc.integer({ min: 0, max: 1000 }),
          isLeased: fc.boolean(),
          isKnown: fc.constant(true),
        }),
        { maxLength: 6 },
      ),
      limits: fc.record(
        {
          maxSize: fc.integer({ min: 0, max: 1200 }),
          keepLast: fc.integer({ min: 0, max: 4 }),
          olderThanMs: fc.integer({ min: 0, max: 1000 }),
        },
        { requiredKeys: [] },
      ),
    });
    fc.assert(
      fc.property(arbitrary, ({ sizes, recipes, limits }) => {
        const survey = makeSurvey(blockIds, sizes, recipes);
        const plan = planCollection(survey, limits);
        const removed = new Set(plan.removals.map(({ file }) => file.path));
        const kept = survey.recipes.filter(
          ({ isLeased }, index) => isLeased || index < (limits.keepLast ?? 1),
        );
        const needed = new Set(kept.flatMap(({ blocks }) => [...blocks]));
        for (const id of needed) expect(removed.has(id) || removed.has(frameOf(id))).toBe(false);
        for (const id of blockIds) if (removed.has(id)) expect(removed.has(frameOf(id))).toBe(true);
        expect(removed.size).toBe(plan.removals.length);
        const size = 2 * sizes.reduce((sum, one) => sum + one, 0);
        expect(plan.sizeAfter).toBe(size - plan.removals.reduce((sum, { file }) => sum + file.size, 0));
        if (limits.maxSize !== undefined && plan.sizeAfter > limits.maxSize) {
          expect(blockIds.filter((id) => !removed.has(id)).every((id) => needed.has(id))).toBe(true);
        }
      }),
    );
  });
});

/** The path of the frame of the block `e/KEY`. */
function frameOf(id: string): string {
  return `zst/${id.slice(2)}`;
}

function makeSurvey(
  ids: readonly string[],
  sizes: readonly number[],
  recipes: readonly { blocks: string[]; useMs: number; isLeased: boolean; isKnown: boolean }[],
): CacheSurvey {
  const kept = recipes
    .map((recipe, index) => ({
      ...recipe,
      name: `${index}`,
      path: `recipe ${index}`,
      size: 0,
      mtimeMs: 1000,
      digest: `sha256:${index}`,
      recipe: { images: [] },
      encoder: 'e',
      profile: 'e-c',
      blocks: new Set(recipe.blocks),
    }))
    .sort((a, b) => b.useMs - a.useMs) as unknown as KeptRecipe[];
  const leases = kept
    .filter(({ isLeased }) => isLeased)
    .map(({ digest }): HeldLease => ({ kind: 'recipe', recipe: digest, sinceMs: 0 }));
  const blocks = new Map(
    ids.map((id, index) => [
      id,
      { id, encoder: 'e', key: id.slice(2), name: id, path: id, size: sizes[index] ?? 0, mtimeMs: 0 },
    ]),
  ) as unknown as CacheSurvey['blocks'];
  const frames = new Map(
    [...blocks.values()].map((block) => {
      const id = `zst/${block.key}`;
      return [id, { ...block, id, encoder: 'zst', path: id }];
    }),
  );
  const size = 2 * sizes.reduce((sum, one) => sum + one, 0);
  const none = { layers: [], configs: [], imageIds: [], bad: [], notes: [], strangers: [] };
  return { timeMs: 1000, blocks, frames, recipes: kept, leases, size, ...none };
}

describe('collectAutomatically', { timeout: 120_000 }, () => {
  it('looks at the cache only when it has outgrown its limit, or a day has passed', async () => {
    const cache = await openCache(await makeTempFolder());
    await (await prepare(cache, 1))[Symbol.asyncDispose]();
    const { size } = await surveyCache(cache, Date.now());
    const limits = { maxSize: size + 1000, keepLast: 0 };
    expect(await collectAutomatically(cache, {}, { addedSize: 0 })).toBeUndefined();
    expect(await collectAutomatically(cache, limits, { addedSize: 0 })).toMatchObject({ removals: [] });
    expect(await collectAutomatically(cache, limits, { addedSize: 500 })).toBeUndefined();
    expect(
      await collectAutomatically(cache, limits, { addedSize: 0, now: () => Date.now() + 2 * dayMs }),
    ).toBeDefined();
    await (await prepare(cache, 4))[Symbol.asyncDispose]();
    const grown = await surveyCache(cache, Date.now());
    const collection = await collectAutomatically(cache, limits, { addedSize: grown.size - size });
    expect(collection?.removals.length).toBeGreaterThan(0);
    expect((await surveyCache(cache, Date.now())).size).toBeLessThanOrEqual(0.9 * limits.maxSize);
  });

  it('does not try again and again where all is in use', async () => {
    const cache = await openCache(await makeTempFolder());
    await using held = await prepare(cache, 1);
    const limits = { maxSize: held.xz.size / 2 };
    expect((await collectAutomatically(cache, limits, { addedSize: 0 }))?.isWithinSize).toBe(false);
    expect(await collectAutomatically(cache, limits, { addedSize: 100 })).toBeUndefined();
  });
});

describe('verifyCache', { timeout: 120_000 }, () => {
  it('finds blocks that are damaged, cut short or another block', async () => {
    const cache = await openCache(await makeTempFolder());
    await (await prepare(cache, 1))[Symbol.asyncDispose]();
    expect((await verifyCache(cache)).damaged).toEqual([]);
    const [first, second] = [...(await surveyCache(cache, Date.now())).blocks.values()];
    if (first === undefined || second === undefined) throw new TypeError('There are blocks');
    await writeFile(first.path, Buffer.alloc((await stat(first.path)).size));
    await writeFile(second.path, 'short');
    const { damaged } = await verifyCache(cache);
    expect(damaged.map(({ path }) => path).sort()).toEqual([first.path, second.path].sort());
  });
});
