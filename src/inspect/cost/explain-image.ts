/** Why an image had to be encoded: layer by layer, and file by file in the blocks that were new. */
import type { BlockKey } from '../../plan/layout/block-record.ts';
import type { DiffId } from '../../ground/digest.ts';
import { isBundleError } from '../../ground/errors.ts';
import { type EncodedBlocks, findEncodedBlocks } from './attribute-blocks.ts';
import { layerSteps } from '../../image/image-config.ts';
import type { ContentImage } from '../contents/bundle-contents.ts';
import { type ExplainedFiles, explainLayer } from './explain-layer.ts';
import type { LayerLibrary } from '../contents/layer-library.ts';
import type { StoredLayers } from '../../file/stored-layers.ts';

export interface ExplainedLayer {
  readonly diffId: DiffId;
  /** From 1, the lowest. */
  readonly depth: number;
  /** The line of the history that made it; empty where there is none. */
  readonly createdBy: string;
  /** Bytes of its tar; undefined where the cache has no record of it any more. */
  readonly size?: number;
  readonly encoded?: EncodedBlocks;
  /** The layer of the earlier image that it is compared with. */
  readonly earlier?: DiffId;
  /** Where something of it was encoded, and its blocks are still in the cache. */
  readonly explanation?: ExplainedFiles;
}

export interface ExplainImageOptions {
  readonly library: LayerLibrary;
  readonly findRecord: StoredLayers['findRecord'];
  /** Keys of the blocks that the build encoded. */
  readonly encoded: ReadonlySet<BlockKey>;
  /** What the image was before, with its history. */
  readonly earlier?: ContentImage;
}

/** The distinct layers of `image`, from the lowest up. A layer that cannot be read as a tar has no explanation. */
export async function explainImage(
  image: ContentImage,
  { library, findRecord, encoded, earlier }: ExplainImageOptions,
): Promise<ExplainedLayer[]> {
  const steps = layerSteps(image.history);
  const matches = matchLayers(image, earlier);
  const layers: ExplainedLayer[] = [];
  for (const [index, diffId] of image.layers.entries()) {
    if (image.layers.indexOf(diffId) !== index) continue;
    const base = { diffId, depth: index + 1, createdBy: steps[index] ?? '' };
    const record = await findRecord(diffId);
    if (record === undefined) {
      layers.push(base);
      continue;
    }
    const found = findEncodedBlocks(record.blocks, encoded);
    const before = matches.get(diffId);
    const explanation =
      found.blockCount === 0
        ? undefined
        : await explainLayer(library, diffId, found.ranges, before).catch(ignoreUnreadable);
    layers.push({
      ...base,
      size: record.size,
      encoded: found,
      earlier: before,
      explanation,
    });
    library.forget(diffId);
  }
  return layers;
}

/** Layers of foreign images need not be tars that anybody can read, and blocks may have been collected. */
function ignoreUnreadable(error: unknown): undefined {
  if (isBundleError(error, 'archive-corrupt', 'archive-truncated', 'layer-missing', 'block-missing'))
    return undefined;
  throw error;
}

/**
 * For each new layer of `image`, the layer of `earlier` that it replaces: one that the same step of the history made, or
 * else the one at the same depth; of those that `image` has no more, each for one only. A layer that was there already
 * stands for itself.
 */
export function matchLayers(
  image: ContentImage,
  earlier: ContentImage | undefined,
): ReadonlyMap<DiffId, DiffId> {
  const matches = new Map<DiffId, DiffId>();
  if (earlier === undefined) return matches;
  for (const diffId of image.layers) if (earlier.layers.includes(diffId)) matches.set(diffId, diffId);
  const free = new Set(earlier.layers.filter((diffId) => !image.layers.includes(diffId)));
  const take = (diffId: DiffId, before: DiffId | undefined): void => {
    if (before === undefined || !free.delete(before)) return;
    matches.set(diffId, before);
  };
  const [steps, oldSteps] = [layerSteps(image.history), layerSteps(earlier.history)];
  for (const [index, diffId] of image.layers.entries()) {
    const step = steps[index];
    if (matches.has(diffId) || step === undefined || step === '') continue;
    take(
      diffId,
      earlier.layers.find((old, depth) => free.has(old) && oldSteps[depth] === step),
    );
  }
  for (const [index, diffId] of image.layers.entries()) {
    if (!matches.has(diffId)) take(diffId, earlier.layers[index]);
  }
  return matches;
}
