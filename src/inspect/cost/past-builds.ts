/** What this machine's own builds say of the next one: rates, ratio, and how much of what is new is found again. */
import type { FinishedBuild } from '../find/choose-build.ts';

export interface PastFigures {
  /** Builds that the figures are of. */
  readonly buildCount: number;
  /** Bytes of content that are encoded in a second; undefined where nothing was encoded yet. */
  readonly encodeRate?: number;
  /** Bytes that are read of a source in a second. */
  readonly readRate?: number;
  /** What a build takes besides, in seconds. */
  readonly baseSeconds: number;
  /** Stored bytes for each byte that was encoded. */
  readonly storedRatio?: number;
  /** Of the bytes of layers that were new, the share that had to be encoded, over builds that followed another. */
  readonly encodedShare?: number;
}

/** Older builds tell of another machine, or other images. */
const mostBuilds = 20;
/** Less encoded content than this says nothing of a rate. */
const leastEncodedSize = 256 * 1024;

/**
 * The figures of the newest of `builds`, newest first, all with one profile. `layerSize` gives the tar size of a layer
 * where it is known still.
 */
export function measurePast(
  builds: readonly FinishedBuild[],
  layerSize: (diffId: FinishedBuild['images'][number]['layers'][number]) => number | undefined,
): PastFigures {
  const recent = builds.slice(0, mostBuilds);
  const encoding = recent.filter((build) => encodedSizeOf(build) >= leastEncodedSize);
  const reading = recent.filter(({ costs }) => costs.readSize > 0 && costs.readSeconds > 0);
  const encodedSize = sum(encoding.map(encodedSizeOf));
  const encodeSeconds = sum(encoding.map(({ costs }) => costs.encodeSeconds));
  const readSeconds = sum(reading.map(({ costs }) => costs.readSeconds));
  const newSizes = recent.flatMap((build, index) => {
    const before = builds[index + 1];
    return before === undefined ? [] : [{ build, size: newLayerSize(before, build, layerSize) }];
  });
  const newSize = sum(newSizes.map(({ size }) => size));
  return {
    buildCount: recent.length,
    encodeRate: encodeSeconds > 0 ? encodedSize / encodeSeconds : undefined,
    readRate: readSeconds > 0 ? sum(reading.map(({ costs }) => costs.readSize)) / readSeconds : undefined,
    baseSeconds: median(
      recent.map(({ costs }) =>
        Math.max(0, costs.seconds - Math.max(costs.readSeconds, costs.encodeSeconds)),
      ),
    ),
    storedRatio:
      encodedSize > 0
        ? sum(encoding.map(({ statistics }) => statistics?.encodedSize ?? 0)) / encodedSize
        : undefined,
    encodedShare:
      newSize > 0
        ? Math.min(
            1,
            sum(newSizes.filter(({ size }) => size > 0).map(({ build }) => encodedSizeOf(build))) / newSize,
          )
        : undefined,
  };
}

function encodedSizeOf({ statistics }: FinishedBuild): number {
  return statistics?.encodedUncompressedSize ?? 0;
}

/** Bytes of layers that `build` has and `before` has not. */
function newLayerSize(
  before: FinishedBuild,
  build: FinishedBuild,
  layerSize: Parameters<typeof measurePast>[1],
): number {
  const known = new Set(before.images.flatMap(({ layers }) => layers));
  const fresh = new Set(build.images.flatMap(({ layers }) => layers).filter((diffId) => !known.has(diffId)));
  return sum([...fresh].map((diffId) => layerSize(diffId) ?? 0));
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
