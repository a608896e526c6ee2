/** The bundle without some of its layers, as a .xz file of the blocks that are there and of new ones for the glue between. */
import { appendAll } from '../ground/long-lists.ts';
import type { BlockRecord } from '../plan/layout/block-record.ts';
import { encodePiece } from './encode-piece.ts';
import type { Bundle } from './open-bundle.ts';
import type { DiffId } from '../ground/digest.ts';
import type { Extent, Layout } from '../plan/layout/extent.ts';
import { layOutXz } from '../plan/layout/xz-layout.ts';
import { planBundle } from '../plan/plan-bundle.ts';
import { planSegments } from '../plan/plan-segments.ts';

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
