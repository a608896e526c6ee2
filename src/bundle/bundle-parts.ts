/** The blobs of a bundle's images: where each layer lies in the bundle tar, and the manifests that name them. */
import { type Digest, type DiffId, hexOf } from '../ground/digest.ts';
import type { StreamOptions } from '../file/virtual-file.ts';
import { planBundle } from '../plan/plan-bundle.ts';
import { planSegments } from '../plan/plan-segments.ts';
import type { Bundle } from './open-bundle.ts';

export interface BundleBlobs {
  /** The OCI manifest of the image with this config, byte for byte as it is in the bundle. Throws RangeError. */
  manifestOf(config: Digest): Uint8Array;
  /** Bytes of the layer's tar. Throws RangeError. */
  layerSize(diffId: DiffId): number;
  /** The layer's tar from `start` on, decoded from its blocks. */
  streamLayer(diffId: DiffId, options?: StreamOptions): AsyncIterable<Uint8Array>;
}

/** The blobs of `bundle`, which must stay open. Reads nothing yet. */
export function listBundleBlobs(bundle: Bundle): BundleBlobs {
  const { images, assembled } = bundle;
  const sizes = new Map(assembled.layers.map(({ diffId, size }) => [diffId, size]));
  const layerSize = (diffId: DiffId): number => {
    const size = sizes.get(diffId);
    if (size === undefined) throw new RangeError(`There is no layer ${diffId}`);
    return size;
  };
  const members = planBundle(images, layerSize);
  const documents = new Map(
    members.flatMap((member) => (member.kind === 'metadata' ? [[member.name, member.bytes] as const] : [])),
  );
  const starts = new Map<DiffId, number>();
  let position = 0;
  for (const segment of planSegments(members)) {
    if (segment.kind === 'layer') starts.set(segment.diffId, position);
    position += segment.kind === 'layer' ? segment.size : segment.bytes.length;
  }
  return {
    manifestOf(config) {
      const digest = assembled.manifestDigests.get(config);
      const bytes = digest && documents.get(`blobs/sha256/${hexOf(digest)}`);
      if (bytes === undefined) throw new RangeError(`There is no image with the config ${config}`);
      return bytes;
    },
    layerSize,
    streamLayer(diffId, { start = 0, end = layerSize(diffId), signal } = {}) {
      const first = starts.get(diffId) ?? 0; // a layer without bytes lies nowhere
      return bundle.tar.stream({ start: first + start, end: first + end, ...(signal && { signal }) });
    },
  };
}
