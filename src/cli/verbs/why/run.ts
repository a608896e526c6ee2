/** What `bundlefs why` does. */
import { type Cache, findCache } from '../../../cache/cache.ts';
import type { BlockKey } from '../../../plan/layout/block-record.ts';
import { BundleError } from '../../../ground/errors.ts';
import type { ContentImage } from '../../../inspect/contents/bundle-contents.ts';
import {
  chooseBuild,
  type ChosenBuild,
  countNumbers,
  type FinishedBuild,
  imagesOf,
  numberBuilds,
  type NumberedBuild,
} from '../../../inspect/find/choose-build.ts';
import { explainImage } from '../../../inspect/cost/explain-image.ts';
import { createLayerLibrary } from '../../../inspect/contents/layer-library.ts';
import { openStoredLayers, type StoredLayers } from '../../../file/stored-layers.ts';
import { imageNotFound } from '../../../image/image-not-found.ts';
import { parseImageConfig } from '../../../image/image-config.ts';
import { parseReference, type Reference } from '../../../image/reference.ts';
import { printJson, printLines } from '../../../ground/print.ts';
import { type CacheChoice, chooseCache } from '../../../request/made/cache.ts';
import { startProgress } from '../../../request/made/progress.ts';
import { type WhyReport, whyToJson } from './json.ts';
import { whyToText } from './text.ts';

export interface WhyOptions extends CacheChoice {
  /** 0 for the last build. */
  readonly build?: number;
  readonly top: number;
  readonly json?: boolean;
}

/** Finds the build and prints what it had to encode of the image. */
export async function runWhy(name: string, options: WhyOptions, signal: AbortSignal): Promise<void> {
  const cache = await findCache((await chooseCache(options)).path);
  const reference = parseReference(name);
  const report = await explain(cache, reference, options.build, signal);
  if (options.json === true) printJson(whyToJson(report));
  else printLines(whyToText(report, options.top));
}

async function explain(
  cache: Cache,
  reference: Reference,
  index: number | undefined,
  signal: AbortSignal,
): Promise<WhyReport> {
  const builds = numberBuilds(await cache.listBuilds());
  const stores = new Map<string, StoredLayers>();
  const openLayers = async (build: FinishedBuild): Promise<StoredLayers | undefined> => {
    const recipe = await cache.findRecipe(build.recipe);
    if (recipe === undefined) return undefined;
    const found = stores.get(build.profile) ?? (await openStoredLayers(cache, recipe.profile));
    stores.set(build.profile, found);
    return found;
  };
  try {
    const chosen = await findBuild(cache, builds, reference, index, openLayers);
    const own = await openLayers(chosen.build);
    if (own === undefined) throw recipeGone(chosen);
    const before = chosen.earlier && (await openLayers(chosen.earlier.build));
    using progress = startProgress({ label: 'reading' });
    let done = 0;
    const library = createLayerLibrary(
      async (diffId) => (await own.findLayer(diffId)) ?? (await before?.findLayer(diffId)),
      {
        signal,
        onRead: (size) => {
          progress.show((done += size), undefined);
        },
      },
    );
    const image = await withHistory(cache, chosen.image);
    const earlier = chosen.earlier && (await withHistory(cache, chosen.earlier.image));
    const layers = await explainImage(image, {
      library,
      findRecord: own.findRecord,
      encoded: new Set(chosen.build.encodedBlocks),
      earlier,
    });
    return { chosen: { ...chosen, image }, layers };
  } finally {
    for (const layers of stores.values()) await layers[Symbol.asyncDispose]();
  }
}

async function findBuild(
  cache: Cache,
  builds: readonly NumberedBuild[],
  reference: Reference,
  index: number | undefined,
  openLayers: (build: FinishedBuild) => Promise<StoredLayers | undefined>,
): Promise<ChosenBuild> {
  const wasEncoded = async (image: ContentImage, encoded: ReadonlySet<BlockKey>, build: FinishedBuild) => {
    const layers = encoded.size === 0 ? undefined : await openLayers(build);
    for (const diffId of layers === undefined ? [] : image.layers) {
      const record = await layers?.findRecord(diffId);
      if (record?.blocks.some((block) => encoded.has(block.key)) === true) return true;
    }
    return false;
  };
  const chosen = await chooseBuild(builds, reference, wasEncoded, index);
  if (chosen !== undefined) return chosen;
  if (index !== undefined && index >= countNumbers(builds)) throw noSuchBuild(cache, builds, index);
  const considered = builds.filter(({ number }) => index === undefined || number === index);
  const known = considered.flatMap((build) => imagesOf(build).flatMap(({ names }) => names));
  if (
    index === undefined &&
    (await chooseBuild(builds, reference, () => Promise.resolve(true))) !== undefined
  ) {
    throw new BundleError(
      'invalid-argument',
      `Cannot explain "${reference.text}": no build of the journal encoded anything of it`,
      {
        hint: 'All of it was in the cache before the journal began, or was built only as the base of a delta.',
      },
    );
  }
  const where = index === undefined ? `the journal of the cache "${cache.path}"` : `build @${index}`;
  if (builds.length === 0) {
    throw new BundleError(
      'image-not-found',
      `Cannot explain image "${reference.text}": ${where} has no builds`,
      {
        hint: 'Build a bundle of it first, or name another cache with --cache.',
      },
    );
  }
  throw imageNotFound(reference, where, [...new Set(known)]);
}

function noSuchBuild(cache: Cache, builds: readonly NumberedBuild[], index: number): BundleError {
  const count = countNumbers(builds);
  return new BundleError(
    'invalid-argument',
    `Cannot explain build @${index}: the journal of the cache "${cache.path}" has ${count} bundles`,
    { hint: count === 0 ? 'Build a bundle first.' : `The oldest is @${count - 1}.` },
  );
}

function recipeGone({ index }: ChosenBuild): BundleError {
  return new BundleError(
    'invalid-argument',
    `Cannot explain build @${index}: its recipe is no longer in the cache`,
    {
      hint: 'Name a newer build with --build.',
    },
  );
}

async function withHistory(cache: Cache, image: ContentImage): Promise<ContentImage> {
  const config = await cache.findConfig(image.id);
  if (config === undefined) return image;
  return { ...image, history: parseImageConfig(config, `the config ${image.id}`).history };
}
