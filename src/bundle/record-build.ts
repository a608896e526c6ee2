/** Prepares a bundle and leaves an entry of it in the cache's journal. */
import type { BuildEntry } from '../cache/build-journal.ts';
import { profileName } from '../plan/layout/profile.ts';
import { recipeDigest } from '../plan/layout/recipe.ts';
import { describeError, isBundleError } from '../ground/errors.ts';
import { type BuildMeter, createBuildMeter } from './build-meter.ts';
import {
  completeProfile,
  prepareBundle,
  type PrepareBundleOptions,
  type PreparedBundle,
} from './prepare-bundle.ts';

/** Who builds, for the journal. */
export interface BuildOrigin {
  /** `build`, `mount`, `stream`, `load` … */
  readonly verb: string;
  /** The version of bundlefs. */
  readonly version: string;
}

export interface RecordedBundle extends PreparedBundle {
  /** What stands in the journal, or would, had it been writable. */
  readonly entry: BuildEntry;
}

/**
 * prepareBundle, with an entry in the journal at the end, also where it fails. A journal that cannot be written is no
 * reason to fail: the bundle is what was asked for.
 */
export async function recordBuild(
  options: Omit<PrepareBundleOptions, 'meter'>,
  origin: BuildOrigin,
): Promise<RecordedBundle> {
  const meter = createBuildMeter();
  const finishEntry = startEntry(options, origin, meter);
  try {
    const bundle = await prepareBundle({ ...options, meter });
    const entry = finishEntry({
      recipe: recipeDigest(bundle.recipe),
      images: bundle.images.map(({ tags, configDigest, layers }) => ({
        names: [...tags],
        config: configDigest,
        layers: [...layers],
      })),
      statistics: bundle.statistics,
    });
    await putQuietly(options, entry);
    return Object.assign(bundle, { entry }); // not a copy, which would open the views
  } catch (error) {
    const code = isBundleError(error) ? error.code : 'unexpected';
    await putQuietly(options, finishEntry({ images: [], error: { code, message: describeError(error) } }));
    throw error;
  }
}

type Outcome = Pick<BuildEntry, 'recipe' | 'images' | 'statistics' | 'error'>;

function startEntry(
  { source, profile }: Pick<PrepareBundleOptions, 'source' | 'profile'>,
  { verb, version }: BuildOrigin,
  meter: BuildMeter,
): (outcome: Outcome) => BuildEntry {
  const started = new Date();
  const startMs = performance.now();
  const startUsage = process.cpuUsage();
  return (outcome) => {
    const usage = process.cpuUsage(startUsage);
    const entry: BuildEntry = {
      format: 'bundlefs-build-1',
      startedAt: started.toISOString(),
      endedAt: new Date().toISOString(),
      verb,
      source: source.description,
      version,
      profile: profileName(completeProfile(profile)),
      ...outcome,
      encodedBlocks: [...meter.encoded],
      costs: {
        seconds: round((performance.now() - startMs) / 1000),
        readSeconds: round(Math.max(0, meter.reading.seconds() - meter.waiting.seconds())),
        encodeSeconds: round(meter.encoding.seconds()),
        cpuSeconds: round((usage.user + usage.system) / 1e6),
        readSize: meter.readSize,
      },
    };
    return entry;
  };
}

async function putQuietly({ cache }: Pick<PrepareBundleOptions, 'cache'>, entry: BuildEntry): Promise<void> {
  try {
    await cache.putBuild(entry);
  } catch (error) {
    if (!isBundleError(error)) throw error;
  }
}

function round(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
