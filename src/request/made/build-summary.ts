/** The last line of a build: what it made, what that took, and what it would have taken without a cache. */
import type { BuildEntry } from '../../cache/build-journal.ts';
import type { Cache } from '../../cache/cache.ts';
import type { RecordedBundle } from '../../bundle/record-build.ts';
import type { FrameStatistics } from '../../bundle/measure-bundle.ts';
import { describeFrames } from './archive.ts';
import { isBundleError } from '../../ground/errors.ts';
import { formatCount, formatDuration, formatSize } from '../../ground/format-text.ts';

/** Builds looked at for this machine's figures: enough for a mean, few enough to be read at once. */
const pastBuilds = 20;
/** Less encoded content than that says nothing about a rate. */
const smallestSample = 1_000_000;

export interface BuildSummary {
  readonly text: string;
  /** For `--json`. */
  readonly fields: {
    /** Seconds in which all of it could have been encoded, by this machine's own past figures; left out where there are none. */
    readonly fullSeconds?: number;
    /** Of a `.tar.zst`. */
    readonly frames?: { readonly total: number; readonly reused: number; readonly encoded: number };
  };
}

/** The summary of `bundle`, `seconds` after its verb began; with `frames`, of its `.tar.zst`. */
export async function summarizeBuild(
  cache: Cache,
  { images, xz, statistics, entry }: Pick<RecordedBundle, 'images' | 'xz' | 'statistics' | 'entry'>,
  seconds: number,
  frames?: FrameStatistics,
): Promise<BuildSummary> {
  if (frames !== undefined) return summarizeFrames({ images, statistics }, seconds, frames);
  const past = await listPast(cache);
  const rate = findEncodeRate(past, entry.profile);
  const { encodedSize, reusedSize, reusedUncompressedSize, uncompressedSize } = statistics;
  const made = `${formatSize(encodedSize)} newly encoded, ${formatSize(reusedSize)} reused`;
  const facts = `${formatCount(images.length, 'image')}, ${formatSize(xz.size)} (${made}) in ${formatDuration(seconds)}`;
  if (rate === undefined) return { text: facts, fields: {} };
  const fullSeconds = Math.max(seconds, uncompressedSize / rate);
  return {
    text: reusedUncompressedSize === 0 ? facts : `${facts}; in full about ${formatDuration(fullSeconds)}`,
    fields: { fullSeconds: Math.round(fullSeconds * 10) / 10 },
  };
}

/** A journal that cannot be read is no reason to fail when the bundle is there; what it would have told is left out. */
async function listPast(cache: Cache): Promise<readonly BuildEntry[]> {
  try {
    return await cache.listBuilds({ limit: pastBuilds });
  } catch (error) {
    if (isBundleError(error)) return [];
    throw error;
  }
}

/** Both are said: either may have been new. What a build would have taken without a cache is known of xz alone. */
function summarizeFrames(
  { images, statistics }: Pick<RecordedBundle, 'images' | 'statistics'>,
  seconds: number,
  frames: FrameStatistics,
): BuildSummary {
  const { encodedSize, reusedSize } = statistics;
  const blocks = `made of xz blocks: ${formatSize(encodedSize)} newly encoded, ${formatSize(reusedSize)} reused`;
  const { frameCount, encodedFrameCount } = frames;
  return {
    text: `${formatCount(images.length, 'image')}, ${describeFrames(frames)}, ${blocks}; in ${formatDuration(seconds)}`,
    fields: {
      frames: {
        total: frameCount,
        reused: frameCount - encodedFrameCount,
        encoded: encodedFrameCount,
      },
    },
  };
}

/** Content bytes a second that builds with `profile` encoded here, over all of `past`; undefined where too little was. */
export function findEncodeRate(past: readonly BuildEntry[], profile: string): number | undefined {
  let size = 0;
  let seconds = 0;
  for (const { profile: its, statistics, costs } of past) {
    if (its !== profile || statistics === undefined) continue;
    if (statistics.encodedUncompressedSize < smallestSample) continue;
    size += statistics.encodedUncompressedSize;
    seconds += costs.encodeSeconds;
  }
  return seconds > 0 ? size / seconds : undefined;
}
