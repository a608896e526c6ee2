/** Reads layers and cuts them as a build would, and looks up every piece, encoding nothing: what exactly would be new. */
import { scanGearNatively } from '../../addon/scan-gear.ts';
import type { BlockStore } from '../../cache/block-store.ts';
import { contentKey } from '../../plan/layout/content-key.ts';
import { type DiffId, finishDigest, startDigest } from '../../ground/digest.ts';
import { BundleError } from '../../ground/errors.ts';
import { cuttingRule } from '../../plan/cut/cutting-rule.ts';
import type { Piece } from '../../plan/cut/piece-cutter.ts';
import type { LayerSink } from '../../image/image-source.ts';

/** Pieces of a layer that the cache has no block of. */
export interface NewPieces {
  /** Bytes of the layer's tar. */
  readonly size: number;
  readonly newSize: number;
  readonly newBlockCount: number;
  readonly blockCount: number;
}

export interface PieceMeasure {
  readonly sink: LayerSink;
  /** Of every layer that the sink was given. */
  readonly layers: ReadonlyMap<DiffId, NewPieces>;
}

/** A sink that measures. A piece that comes twice is new once. `known` says what need not be read. */
export function createPieceMeasure(
  store: Pick<BlockStore, 'findBlock'>,
  known: Pick<LayerSink, 'hasLayer' | 'findConfig'>,
): PieceMeasure {
  const layers = new Map<DiffId, NewPieces>();
  const seen = new Set<string>();
  const measure = async (pieces: readonly Piece[], before: NewPieces): Promise<NewPieces> => {
    let { newSize, newBlockCount, blockCount } = before;
    for (const piece of pieces) {
      blockCount += 1;
      const key = contentKey(piece);
      if (seen.has(key)) continue;
      seen.add(key);
      if ((await store.findBlock(key)) !== undefined) continue;
      newSize += piece.size;
      newBlockCount += 1;
    }
    return { ...before, newSize, newBlockCount, blockCount };
  };
  const sink: LayerSink = {
    hasLayer: async (diffId) => layers.has(diffId) || (await known.hasLayer(diffId)),
    async addLayer(content, { expected, label = 'a layer' } = {}) {
      const hash = startDigest();
      const cutter = cuttingRule.createCutter(scanGearNatively);
      let found: NewPieces = { size: 0, newSize: 0, newBlockCount: 0, blockCount: 0 };
      for await (const chunk of content) {
        hash.update(chunk);
        found = await measure(cutter.push(chunk), { ...found, size: found.size + chunk.length });
      }
      found = await measure(cutter.end(), found);
      const diffId = finishDigest(hash) as DiffId;
      if (expected !== undefined && expected !== diffId) {
        throw new BundleError(
          'layer-mismatch',
          `Cannot take ${label}: its ${found.size} bytes hash to ${diffId}, its config says ${expected}`,
        );
      }
      layers.set(diffId, found);
      return { diffId, size: found.size };
    },
    findConfig: (imageId) => known.findConfig(imageId),
    keepConfig: () => Promise.resolve(),
  };
  return { sink, layers };
}
