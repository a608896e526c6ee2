/** A layer sink that keeps all it is given in memory. */
import { type DiffId, type Digest, digestOf } from '../../src/ground/digest.ts';
import { BundleError } from '../../src/ground/errors.ts';
import type { LayerSink } from '../../src/image/image-source.ts';

export interface RecordingSink extends LayerSink {
  readonly layers: ReadonlyMap<DiffId, Buffer>;
  /** How often addLayer was called. */
  addedCount: number;
}

/** A sink that has `known` at hand already. */
export function createRecordingSink(known: Iterable<DiffId> = []): RecordingSink {
  const layers = new Map<DiffId, Buffer>();
  const atHand = new Set(known);
  const configs = new Map<Digest, Uint8Array>();
  return {
    layers,
    addedCount: 0,
    hasLayer: (diffId) => Promise.resolve(atHand.has(diffId)),
    async addLayer(content, { expected, label = 'a layer' } = {}) {
      this.addedCount += 1;
      const chunks: Uint8Array[] = [];
      for await (const chunk of content) chunks.push(chunk);
      const bytes = Buffer.concat(chunks);
      const diffId = digestOf(bytes) as DiffId;
      if (expected !== undefined && expected !== diffId) {
        throw new BundleError('layer-mismatch', `Cannot take ${label}: ${diffId} found, ${expected} wanted`);
      }
      layers.set(diffId, bytes);
      return { diffId, size: bytes.length };
    },
    findConfig: (imageId) => Promise.resolve(configs.get(imageId)),
    keepConfig(imageId, config) {
      configs.set(imageId, config);
      return Promise.resolve();
    },
  };
}
