/** The blobs of a bundle's images: where each layer lies in the bundle tar, and the manifests that name them. */
import { type DiffId, type Digest, hexOf } from '../ground/digest.ts';
import type { StreamOptions, VirtualFile } from '../file/virtual-file.ts';
import { planBundle } from '../plan/plan-bundle.ts';
import { locateMembers, planSegments } from '../plan/plan-segments.ts';
import type { Bundle } from './open-bundle.ts';
import { fileOfBytes } from '../file/file-of-bytes.ts';
import { joinFiles } from '../file/joined-file.ts';
import { sliceFile } from '../file/slice-file.ts';
import { appendAll } from '../ground/long-lists.ts';
import type { BlockRecord } from '../plan/layout/block-record.ts';
import { encodePiece } from './encode-piece.ts';
import type { Extent, Layout } from '../plan/layout/extent.ts';
import { layOutXz } from '../plan/layout/xz-layout.ts';

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
      return bundle.tar.stream({ start: first + start, end: first + end, signal });
    },
  };
}

/**
 * The tar of `bundle` without the layers `omitted`; all else, manifests too, names them still. It reads the other layers
 * from `bundle.tar`, which must stay open meanwhile.
 */
export function openTarWithout(
  { images, assembled, tar }: Pick<Bundle, 'images' | 'assembled' | 'tar'>,
  omitted: ReadonlySet<DiffId>,
): VirtualFile {
  const sizes = new Map(assembled.layers.map(({ diffId, size }) => [diffId, size]));
  const members = planBundle(images, (diffId) => sizes.get(diffId) ?? 0);
  const starts = new Map<DiffId, number>();
  for (const { member, start } of locateMembers(members)) {
    if (member.kind === 'layer') starts.set(member.diffId, start);
  }
  const kept = members.filter((member) => member.kind !== 'layer' || !omitted.has(member.diffId));
  const parts = planSegments(kept).map((segment) => {
    if (segment.kind === 'glue') return fileOfBytes(segment.bytes);
    const start = starts.get(segment.diffId) ?? 0;
    return sliceFile(tar, start, start + segment.size);
  });
  return joinFiles(parts);
}

/**
 * The layout of `bundle` without the layers `omitted`, over the bundle's own blocks; glue is in memory, so that nothing
 * is added to the cache for one target. Throws encode-failed.
 */
export async function layOutWithout(
  { images, assembled, recipe }: Pick<Bundle, 'images' | 'assembled' | 'recipe'>,
  omitted: ReadonlySet<DiffId>,
): Promise<Layout> {
  const sizes = new Map(assembled.layers.map(({ diffId, size }) => [diffId, size]));
  const members = planBundle(images, (diffId) => sizes.get(diffId) ?? 0);
  const layerBlocks = new Map(assembled.layers.map(({ diffId, blocks }) => [diffId, blocks]));
  const kept = members.filter((member) => member.kind !== 'layer' || !omitted.has(member.diffId));
  const glue = new Map<BlockRecord, Uint8Array>();
  const records: BlockRecord[] = [];
  for (const segment of planSegments(kept)) {
    if (segment.kind === 'layer') {
      appendAll(records, layerBlocks.get(segment.diffId) ?? []);
      continue;
    }
    const { record, bytes } = await encodePiece(segment.bytes, recipe.profile);
    glue.set(record, bytes);
    records.push(record);
  }
  const { size, extents } = layOutXz(records, assembled.check);
  return { size, extents: extents.map((extent) => holdGlue(extent, glue)) };
}

function holdGlue(extent: Extent, glue: ReadonlyMap<BlockRecord, Uint8Array>): Extent {
  const bytes = extent.kind === 'block' ? glue.get(extent.record) : undefined;
  return bytes === undefined ? extent : { kind: 'memory', start: extent.start, length: extent.length, bytes };
}
