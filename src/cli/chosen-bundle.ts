/** The bundle that the options of a verb ask for. */
import { type Cache, cachePath, openCache } from '../blocks/cache.ts';
import type { PrepareProgress, ReworkImages } from '../bundle/prepare-bundle.ts';
import { type RecordedBundle, recordBuild } from '../bundle/record-build.ts';
import { collectAutomatically } from '../bundle/collect-automatically.ts';
import type { Collection } from '../bundle/collect-garbage.ts';
import type { Digest } from '../digest.ts';
import type { Selection } from '../selection/resolve-selection.ts';
import type { ImageSource } from '../sources/image-source.ts';
import { openSource } from '../sources/open-source.ts';
import type { Outcome } from '../transforms/apply-transforms.ts';
import type { Transform } from '../transforms/transform.ts';
import { formatCount, formatSize } from './format-text.ts';
import type { ImageOptions } from './image-options.ts';
import { automaticLimits } from './limit-options.ts';
import { startProgress } from './progress.ts';
import { readVersion } from './read-version.ts';
import { createLayerFinder } from './stored-layers.ts';

/** Opens the cache that the options name. */
export async function openChosenCache(options: Pick<ImageOptions, 'cache'>): Promise<Cache> {
  return openCache(cachePath(options.cache, process.env));
}

export interface PrepareChosenOptions {
  /** Told besides the line on the terminal. */
  readonly onProgress?: (progress: PrepareProgress) => void;
  /** See PrepareBundleOptions. */
  readonly uncheckedRecipe?: Digest;
  /** Gets a line for people when the cache was brought within its limits; to standard error where left out. */
  readonly onCollected?: (text: string) => void;
  /** What is made of the images that were read; what the project file says where left out. */
  readonly transforms?: readonly Transform[];
  readonly onOutcome?: (outcome: Outcome) => void;
}

/** Prepares the bundle of `selection` for `verb` as the options say, with progress on a terminal and an entry in the journal. */
export async function prepareChosenBundle(
  selection: Selection,
  options: ImageOptions,
  cache: Cache,
  signal: AbortSignal,
  verb: string,
  {
    onProgress,
    uncheckedRecipe,
    transforms = selection.transforms,
    onOutcome,
    onCollected = printCollected,
  }: PrepareChosenOptions = {},
): Promise<RecordedBundle> {
  const gc = selection.project?.gc ?? {};
  const limits = gc.auto === false ? {} : automaticLimits(gc, process.env);
  const source = await openSource(options.from, {
    signal,
    findStoredLayer: createLayerFinder(cache),
    ...(options.platform !== undefined && { platform: options.platform }),
  });
  try {
    const rework = await chooseRework(source, options, transforms, onOutcome);
    const bundle = await record({
      source,
      selection,
      options,
      cache,
      signal,
      verb,
      ...(onProgress && { onProgress }),
      ...(rework !== undefined && { rework }),
      ...(uncheckedRecipe !== undefined && { uncheckedRecipe }),
    });
    const addedSize = bundle.statistics.encodedSize;
    const collection = await collectAutomatically(cache, limits, { addedSize });
    if (collection !== undefined && collection.removals.length > 0)
      onCollected(describeCollection(collection));
    return bundle;
  } finally {
    await source.close();
  }
}

/** The step that applies `transforms`, whose code is loaded only where there are any. */
async function chooseRework(
  source: ImageSource,
  { platform }: Pick<ImageOptions, 'platform'>,
  transforms: readonly Transform[],
  onOutcome: ((outcome: Outcome) => void) | undefined,
): Promise<ReworkImages | undefined> {
  if (transforms.length === 0) return undefined;
  const { createRework } = await import('../transforms/apply-transforms.ts');
  const { readOlderImage } = await import('./read-older-image.ts');
  return createRework(transforms, {
    readOther: (reference, from, workshop) =>
      readOlderImage(reference, { source, workshop, ...(from && { from }), ...(platform && { platform }) }),
    ...(onOutcome && { onOutcome }),
  });
}

interface RecordOptions extends Pick<PrepareChosenOptions, 'onProgress' | 'uncheckedRecipe'> {
  readonly rework?: ReworkImages;
  readonly source: ImageSource;
  readonly selection: Selection;
  readonly options: ImageOptions;
  readonly cache: Cache;
  readonly signal: AbortSignal;
  readonly verb: string;
}

async function record({
  source,
  selection,
  options,
  cache,
  signal,
  verb,
  rework,
  onProgress,
  uncheckedRecipe,
}: RecordOptions): Promise<RecordedBundle> {
  using progress = startProgress({ label: 'reading' });
  return await recordBuild(
    {
      source,
      references: selection.patterns,
      tagRules: selection.tagAs,
      cache,
      profile: { ...options.preset, check: options.check },
      trustsChecks: verb === 'mount' || verb === 'copy', // which reads every block, and so checks it, anyway
      signal,
      onProgress: ({ readSize, totalSize, encodedSize, reusedSize }) => {
        progress.show(readSize, totalSize, describeEncoding(readSize, encodedSize, reusedSize));
        onProgress?.({ readSize, totalSize, encodedSize, reusedSize });
      },
      ...(rework !== undefined && { rework }),
      ...(uncheckedRecipe !== undefined && { uncheckedRecipe }),
    },
    { verb, version: readVersion() },
  );
}

function describeCollection({ removals, sizeBefore, sizeAfter }: Collection): string {
  const removed = `${formatCount(removals.length, 'file')}, ${formatSize(sizeBefore - sizeAfter)}`;
  return `removed from the cache, as its limits say: ${removed}; ${formatSize(sizeAfter)} stay`;
}

function printCollected(text: string): void {
  process.stderr.write(`bundlefs: ${text}\n`);
}

/** What was read and is neither encoded nor found yet. Of an archive compressed as a whole that is not known, and not shown. */
function describeEncoding(readSize: number, encodedSize: number, reusedSize: number): string {
  const leftSize = readSize - encodedSize - reusedSize;
  const left = leftSize > 0 ? [`${formatSize(leftSize)} to encode`] : [];
  return [...left, `encoded ${formatSize(encodedSize)}`, `reused ${formatSize(reusedSize)}`].join(', ');
}
