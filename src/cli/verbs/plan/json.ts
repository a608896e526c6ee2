/** The JSON that `bundlefs plan --json` prints (docs/explaining.md). */
import type { BuildPlan } from '../../../inspect/cost/plan-build.ts';
import { familiarName } from '../../../image/reference.ts';

export function planToJson(plan: BuildPlan): object {
  const { images, removed, layers, read, encode, reused, written, seconds, past } = plan;
  return {
    images: images.map(({ image, change, newLayers }) => ({
      names: image.tags.map(familiarName),
      id: image.id,
      change,
      layers: image.layers.map(({ diffId }) => diffId),
      newLayers,
    })),
    removed: removed.map(({ names, id }) => ({ names: names.map(familiarName), id })),
    newLayers: layers.map(({ layer, imageCount, pieces }) => ({
      diffId: layer.diffId,
      size: pieces?.size ?? layer.size,
      isExact: pieces !== undefined || layer.isExact,
      images: imageCount,
      createdBy: layer.createdBy,
      newBytes: pieces?.newSize,
      newBlocks: pieces?.newBlockCount,
      blocks: pieces?.blockCount,
    })),
    read: { bytes: read.size, isExact: read.isExact },
    encode: {
      bytes: encode.size,
      isExact: encode.isExact,
      likelyBytes: encode.likelySize,
      blocks: encode.blockCount,
    },
    reuse: { bytes: reused.size, isExact: reused.isExact, blocks: reused.blockCount },
    write: written && { bytes: written.size, isExact: written.isExact },
    seconds,
    basedOnBuilds: past.buildCount,
  };
}
