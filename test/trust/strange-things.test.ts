/** Whatever lies in a cache in the place of a file or folder: nothing is waited for, nothing outside of the cache is changed, and what stands in the way is named. */
import { execFileSync } from 'node:child_process';
import { chmod, cp, mkdir, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCache } from '../../src/cache/cache.ts';
import { collectGarbage } from '../../src/cache/upkeep/collect-garbage.ts';
import { prepareBundle } from '../../src/bundle/prepare-bundle.ts';
import { surveyCache } from '../../src/cache/upkeep/survey-cache.ts';
import { verifyCache } from '../../src/cache/upkeep/verify-cache.ts';
import { isBundleError } from '../../src/ground/errors.ts';
import { buildSampleImages, type FixtureImage } from '../fixtures/sample-images.ts';
import { createMemorySource } from '../support/memory-source.ts';
import { makeTempFolder } from '../support/temp-folder.ts';
import { describeTree, things, withinTime } from './things.ts';

const digest = '5'.repeat(64);

/** Paths below the format folder; `first` stands for the first name in the folder. */
const places = [
  ...[
    'blocks',
    'layers',
    'configs',
    'recipes',
    'builds',
    'uses',
    'leases',
    'partial',
    'bad',
    'frames',
    'images',
  ],
  ...['blocks/first', 'blocks/first/first', 'blocks/first/first/first', 'layers/first', 'layers/first/first'],
  ...['configs/first', 'recipes/first', 'builds/first', 'uses/first', 'collection.json', 'evil'],
  ...[`images/${digest}.json`, `checks/${digest}.json`, `uses/${digest}`, `bad/${'5'.repeat(16)}`],
  ...[`leases/recipe.${digest}.${'5'.repeat(16)}`, 'leases/evil', `partial/.x.${'5'.repeat(16)}.partial`],
];

let folder: string;
let images: FixtureImage[];

async function build(cache: Awaited<ReturnType<typeof openCache>>): Promise<void> {
  const bundle = await prepareBundle({
    source: createMemorySource(images),
    references: [],
    cache,
    profile: { preset: 0, extreme: false, check: 'crc64' },
  });
  await bundle[Symbol.asyncDispose]();
}

const verbs: Readonly<Record<string, (cache: Awaited<ReturnType<typeof openCache>>) => Promise<unknown>>> = {
  build,
  info: (cache) => surveyCache(cache, Date.now()),
  why: (cache) => cache.listBuilds(),
  verify: (cache) => verifyCache(cache),
  gc: (cache) =>
    collectGarbage(cache, { keepLast: 0, maxSize: 1 }, { now: () => Date.now() + 400 * 86_400_000 }),
};

async function resolvePlace(root: string, place: string): Promise<string> {
  let path = root;
  for (const part of place.split('/')) {
    path = join(path, part === 'first' ? ((await readdir(path)).sort()[0] ?? digest) : part);
  }
  return path;
}

describe('a cache with something strange in it', { timeout: 600_000 }, () => {
  beforeAll(async () => {
    folder = execFileSync('mktemp', ['-d', '/tmp/bfs-strange-XXXXXX'], { encoding: 'utf8' }).trim();
    images = (await buildSampleImages()).slice(0, 2);
    await build(await openCache(join(folder, 'cache')));
    const cache = await openCache(join(folder, 'cache'));
    await cache.putBuild({
      ...{
        format: 'bundlefs-build-1',
        startedAt: new Date().toISOString(),
        endedAt: new Date().toISOString(),
      },
      ...{ verb: 'build', source: 'memory', version: '0', profile: 'p', images: [], encodedBlocks: [] },
      costs: { seconds: 0, readSeconds: 0, encodeSeconds: 0, cpuSeconds: 0, readSize: 0 },
    });
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each(places)('changes nothing outside and waits for nothing: %s', async (place) => {
    for (const [name, put] of Object.entries(things)) {
      const own = await makeTempFolder();
      const victim = join(own, 'home');
      await mkdir(join(victim, 'chapters'), { recursive: true });
      for (const file of ['thesis.txt', `chapters/${digest}`, `chapters/${digest}.json`, 'chapters/a.txt']) {
        await writeFile(join(victim, file), `content of ${file}`);
        await utimes(join(victim, file), 1, 1);
      }
      await cp(join(folder, 'cache'), join(own, 'cache'), { recursive: true, preserveTimestamps: true });
      await chmod(join(own, 'cache'), 0o2775);
      const path = await resolvePlace(join(own, 'cache/v1'), place);
      await rm(path, { recursive: true, force: true });
      await mkdir(dirname(path), { recursive: true });
      await put(path, victim);
      const before = await describeTree(victim);
      for (const [verb, run] of Object.entries(verbs)) {
        const label = `${verb} with ${name} at ${place}`;
        try {
          await withinTime(openCache(join(own, 'cache')).then(run));
        } catch (error) {
          expect(
            isBundleError(error, 'cache-failed', 'cache-read-only', 'block-missing'),
            `${label}: ${String(error)}`,
          ).toBe(true);
          expect(String(error), label).toContain(path);
        }
      }
      expect(await describeTree(victim), `${name} at ${place}`).toEqual(before);
    }
  });
});
