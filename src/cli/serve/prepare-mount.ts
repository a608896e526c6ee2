/** Makes the bundle that a mount is to show, at its start and at each refresh. */
import type { Cache } from '../../cache/cache.ts';
import type { RecordedBundle } from '../../bundle/record-build.ts';
import { recipeDigest } from '../../plan/layout/recipe.ts';
import type { PreparedGeneration } from '../../mount/live/worker-message.ts';
import type { Selection } from '../../request/resolve-selection.ts';
import { summarizeBuild } from '../../request/made/build-summary.ts';
import { prepareChosenBundle, type PrepareChosenOptions } from '../../request/made/bundle.ts';
import {
  type ChosenArchive,
  describeFrames,
  prepareArchive,
  type PrepareArchiveOptions,
} from '../../request/made/archive.ts';
import { describeImages } from '../../image/image.ts';
import { chooseFormat } from '../../request/bundle-format.ts';
import type { Settings } from '../../request/settings.ts';
import type { PartOptions } from '../../request/part-size.ts';
import { prepareStick } from '../../request/made/stick.ts';
import { sourceFiles, transformFiles } from '../../request/made/inputs.ts';
import type { ViewOptions } from '../options/view-options.ts';

/** What says which images a mount shows and in which files. */
export type MountChoice = Settings & PartOptions & ViewOptions;

/** Holds the bundle, so that it is whole still when the daemon opens it. */
export type PreparedMount = PreparedGeneration & AsyncDisposable;

/** Makes and checks the bundle, and has its digests kept, so that a daemon needs nothing but the recipe. */
export async function prepareMount(
  selection: Selection,
  options: MountChoice,
  cache: Cache,
  signal: AbortSignal,
  { verb, ...chosen }: PrepareChosenOptions & { readonly verb: string },
): Promise<PreparedMount> {
  const startMs = performance.now();
  await using bundle = await prepareChosenBundle(selection, options, cache, signal, verb, chosen);
  const { images, statistics } = bundle;
  const { frames } = await prepareZstView(selection, bundle, options, cache, { signal, ...chosen });
  const { description } = await prepareStick(bundle, options, cache, signal);
  const { text, fields } = await summarizeBuild(cache, bundle, (performance.now() - startMs) / 1000);
  const { encodedSize, reusedSize, encodedBlockCount, reusedBlockCount, blockCount } = statistics;
  const recipe = recipeDigest(bundle.recipe);
  const lease = await cache.lease(recipe);
  return {
    recipe,
    [Symbol.asyncDispose]: () => lease[Symbol.asyncDispose](),
    encodedSize,
    reusedSize,
    encodedBlockCount,
    reusedBlockCount,
    files: [
      ...sourceFiles(options.from),
      ...selection.transforms.flatMap(transformFiles),
      ...selection.files,
    ],
    report: {
      images: describeImages(images),
      bundle: {
        name: description.archive.name,
        size: description.archive.size,
        sha256: description.archive.sha256,
      },
      parts: description.parts,
      blocks: { total: blockCount, reused: reusedBlockCount, encoded: encodedBlockCount },
      bytes: { reused: reusedSize, encoded: encodedSize },
      zst: frames,
      ...fields,
    },
    summary: frames === undefined ? text : `${text}; images.tar.zst: ${describeFrames(frames)}`,
  };
}

/** Frames are made here, for the daemon encodes nothing. */
async function prepareZstView(
  selection: Selection,
  bundle: RecordedBundle,
  { view, zstLevel }: ViewOptions,
  cache: Cache,
  options: PrepareArchiveOptions,
): Promise<Partial<ChosenArchive>> {
  if (view?.includes('images.tar.zst') !== true) return {};
  const format = chooseFormat({ format: 'zst', zstLevel });
  return prepareArchive(selection, bundle, cache, format, options);
}
