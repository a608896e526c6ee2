/** The bundle that the options of a verb ask for. */
import { type Cache, cachePath, openCache } from '../../cache/cache.ts';
import type { PrepareProgress, ReworkImages } from '../../bundle/prepare-bundle.ts';
import { recordBuild, type RecordedBundle } from '../../bundle/record-build.ts';
import { collectAutomatically } from '../../cache/upkeep/collect-automatically.ts';
import type { Collection } from '../../cache/upkeep/collect-garbage.ts';
import type { CollectLimits } from '../../cache/upkeep/plan-collection.ts';
import type { Digest } from '../../ground/digest.ts';
import { type BundleError, describeError } from '../../ground/errors.ts';
import type { Selection } from '../resolve-selection.ts';
import { warnLines } from '../../ground/print.ts';
import type { ImageSource } from '../../image/image-source.ts';
import type { Outcome } from '../../transforms/apply-transforms.ts';
import type { Transform } from '../../transforms/transform.ts';
import { formatCount, formatSize } from '../../ground/format-text.ts';
import type { Settings } from '../settings.ts';
import { automaticLimits } from '../cache-limits.ts';
import { openSource } from '../../place/open-source.ts';
import { startProgress } from './progress.ts';
import { readKeptRecipes } from './cache.ts';
import { readVersion } from '../version.ts';

/** Opens the cache that the options name. */
export async function openChosenCache(options: Pick<Settings, 'cache'>): Promise<Cache> {
  return openCache(cachePath(options.cache, process.env));
}

export interface PrepareChosenOptions {
  /** Told besides the line on the terminal. */
  readonly onProgress?: (progress: PrepareProgress) => void;
  /** See PrepareBundleOptions. */
  readonly uncheckedRecipe?: Digest;
  /** See PrepareBundleOptions. */
  readonly trustsChecks?: boolean;
  /** Shows nothing, on a terminal either. */
  readonly isSilent?: boolean;
  /** Gets a line for people when the cache was brought within its limits; to standard error where left out. */
  readonly onCollected?: (text: string) => void;
  /** Gets a line for people about each image that is left out; to standard error where left out. */
  readonly onLeftOut?: (text: string) => void;
  /** What is made of the images that were read; what the project file says where left out. */
  readonly transforms?: readonly Transform[];
  readonly onOutcome?: (outcome: Outcome) => void;
}

/** Prepares the bundle of `selection` for `verb` as the options say, with progress on a terminal and an entry in the journal. */
export async function prepareChosenBundle(
  selection: Selection,
  options: Settings,
  cache: Cache,
  signal: AbortSignal,
  verb: string,
  {
    onProgress,
    uncheckedRecipe,
    trustsChecks = false,
    isSilent = false,
    transforms = selection.transforms,
    onOutcome,
    onCollected = isSilent ? () => undefined : printLine,
    onLeftOut = printLine,
  }: PrepareChosenOptions = {},
): Promise<RecordedBundle> {
  limitsOf(selection.project); // what is wrong with them should show before minutes of encoding
  const source = await openSource(options.from, { cache, signal, platform: options.platform });
  try {
    const rework = await chooseRework(source, options, cache, transforms, onOutcome);
    const bundle = await withReadingShown({ isSilent, also: onProgress }, (show) =>
      recordBuild(
        {
          source,
          references: selection.patterns,
          tagRules: selection.tagAs,
          cache,
          profile: { ...options.preset, check: options.check },
          trustsChecks,
          signal,
          skipsUnloadable: options.skipUnloadable,
          onLeftOut: (error) => {
            onLeftOut(describeLeftOut(error));
          },
          onProgress: show,
          rework,
          uncheckedRecipe,
        },
        { verb, version: readVersion() },
      ),
    );
    if (!isSilent) tellOfForeign(cache);
    await collectByLimits(cache, selection, bundle.statistics.encodedSize, onCollected);
    return bundle;
  } finally {
    await source.close();
  }
}

/** Once for each layer: what took longer than it will take the next time. */
function tellOfForeign({ foreign: { count, size } }: Pick<Cache, 'foreign'>): void {
  if (count === 0) return;
  printLine(
    `checked ${formatCount(count, 'layer')}, ${formatSize(size)}, that another user or machine wrote to the cache`,
  );
}

/** The limits that hold without anybody asking. Throws invalid-argument. */
function limitsOf(project: Selection['project']): CollectLimits {
  const gc = project?.gc ?? {};
  return gc.auto === false ? {} : automaticLimits(gc, process.env);
}

/** Brings the cache within the limits of the project file and the environment, after `addedSize` bytes were stored. Throws invalid-argument. */
export async function collectByLimits(
  cache: Cache,
  { project }: Selection,
  addedSize: number,
  onCollected: (text: string) => void = printLine,
): Promise<void> {
  const collection = await collectAutomatically(cache, limitsOf(project), {
    addedSize,
    async readKept() {
      try {
        return await readKeptRecipes(project?.gc?.keepRecipes ?? []);
      } catch (error) {
        onCollected(`nothing was removed from the cache, whatever its limits say: ${describeError(error)}`);
        throw error;
      }
    },
  });
  if (collection !== undefined && collection.removals.length > 0) onCollected(describeCollection(collection));
}

/** The step that applies `transforms`, whose code is loaded only where there are any. */
async function chooseRework(
  source: ImageSource,
  { platform }: Pick<Settings, 'platform'>,
  cache: Cache,
  transforms: readonly Transform[],
  onOutcome: ((outcome: Outcome) => void) | undefined,
): Promise<ReworkImages | undefined> {
  if (transforms.length === 0) return undefined;
  const { createRework } = await import('../../transforms/apply-transforms.ts');
  const { readOlderImage } = await import('./older-image.ts');
  return createRework(transforms, {
    readOther: (reference, from, workshop) =>
      readOlderImage(reference, {
        source,
        cache,
        workshop,
        from,
        platform,
      }),
    onOutcome,
  });
}

/** Runs `work` with a line on the terminal, which is gone when it has ended; `also` is told the same. */
async function withReadingShown<T>(
  { isSilent, also }: { readonly isSilent: boolean; readonly also?: (progress: PrepareProgress) => void },
  work: (show: (progress: PrepareProgress) => void) => Promise<T>,
): Promise<T> {
  using line = startProgress({ label: 'reading', isSilent });
  return await work((progress) => {
    const { readSize, totalSize, encodedSize, reusedSize } = progress;
    line.show(readSize, totalSize, describeEncoding(readSize, encodedSize, reusedSize));
    also?.(progress);
  });
}

function describeCollection({ removals, sizeBefore, sizeAfter }: Collection): string {
  const removed = `${formatCount(removals.length, 'file')}, ${formatSize(sizeBefore - sizeAfter)}`;
  return `removed from the cache, as its limits say: ${removed}; ${formatSize(sizeAfter)} stay`;
}

/** The line about an image that a bundle goes without. */
export function describeLeftOut({ message }: BundleError): string {
  return `an image is left out. ${message}`;
}

/** A line for people, on standard error. */
export function printLine(text: string): void {
  warnLines([`bundlefs: ${text}`]);
}

/** What was read and is neither encoded nor found yet. Of an archive compressed as a whole that is not known, and not shown. */
function describeEncoding(readSize: number, encodedSize: number, reusedSize: number): string {
  const leftSize = readSize - encodedSize - reusedSize;
  const left = leftSize > 0 ? [`${formatSize(leftSize)} to encode`] : [];
  return [...left, `encoded ${formatSize(encodedSize)}`, `reused ${formatSize(reusedSize)}`].join(', ');
}
