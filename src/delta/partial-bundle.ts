/** The bundle without some of its layers, as a .xz file of the blocks that are there and of new ones for the glue between. */
import { encodeBlock } from '../addon/block-codec.ts';
import { type BlockRecord, storedSize } from '../blocks/block-record.ts';
import type { EncoderSettings } from '../blocks/profile.ts';
import { readBack } from '../blocks/read-back.ts';
import { contentKey } from '../bundle/block-maker.ts';
import type { Bundle } from '../bundle/open-bundle.ts';
import { type DiffId, digestOf } from '../digest.ts';
import type { Extent, Layout } from '../layout/extent.ts';
import { layOutXz } from '../layout/xz-layout.ts';
import { pieceOf } from '../plan/piece-cutter.ts';
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
      records.push(...(layerBlocks.get(segment.diffId) ?? []));
      continue;
    }
    const { record, bytes } = await encodeGlue(segment.bytes, recipe.profile);
    glue.set(record, bytes);
    records.push(record);
  }
  const { size, extents } = layOutXz(records, assembled.check);
  return { size, extents: extents.map((extent) => holdGlue(extent, glue)) };
}

async function encodeGlue(
  content: Uint8Array,
  settings: EncoderSettings,
): Promise<{ readonly record: BlockRecord; readonly bytes: Uint8Array }> {
  const { bytes, unpaddedSize, crc64 } = await encodeBlock(content, settings);
  await readBack(content, bytes, unpaddedSize, settings.check);
  const record = {
    key: contentKey(pieceOf(content)),
    unpaddedSize,
    uncompressedSize: content.length,
    digest: digestOf(bytes),
    crc64,
  };
  if (storedSize(record) !== bytes.length) throw new RangeError('A block must have the size its record says');
  return { record, bytes };
}

function holdGlue(extent: Extent, glue: ReadonlyMap<BlockRecord, Uint8Array>): Extent {
  const bytes = extent.kind === 'block' ? glue.get(extent.record) : undefined;
  return bytes === undefined ? extent : { kind: 'memory', start: extent.start, length: extent.length, bytes };
}
