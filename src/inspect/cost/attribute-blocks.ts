/** Which members of a layer lie in blocks that were encoded, and how many of their bytes. */
import { type BlockKey, type BlockRecord, storedSize } from '../../plan/layout/block-record.ts';
import { tarPadding } from '../../format/tar/tar-header.ts';
import type { LayerMember } from '../../format/tar/layer-member.ts';

/** A run of a layer's bytes. */
export interface LayerRange {
  readonly start: number;
  readonly end: number;
}

export interface EncodedBlocks {
  /** Sorted, apart from each other. */
  readonly ranges: readonly LayerRange[];
  readonly blockCount: number;
  /** Bytes of content, and as they are stored. */
  readonly size: number;
  readonly storedSize: number;
}

export interface AttributedMember {
  readonly member: LayerMember;
  /** Bytes of its headers, content and padding that lie in encoded blocks. */
  readonly encodedSize: number;
}

/** The blocks of a layer that are in `encoded`. One that occurs twice was encoded for its first place. */
export function findEncodedBlocks(
  blocks: readonly BlockRecord[],
  encoded: ReadonlySet<BlockKey>,
): EncodedBlocks {
  const ranges: LayerRange[] = [];
  const seen = new Set<BlockKey>();
  let [start, size, stored] = [0, 0, 0];
  for (const block of blocks) {
    const end = start + block.uncompressedSize;
    if (encoded.has(block.key) && !seen.has(block.key)) {
      seen.add(block.key);
      const last = ranges.at(-1);
      if (last?.end === start) ranges[ranges.length - 1] = { start: last.start, end };
      else ranges.push({ start, end });
      size += block.uncompressedSize;
      stored += storedSize(block);
    }
    start = end;
  }
  return { ranges, blockCount: seen.size, size, storedSize: stored };
}

/**
 * The members that lie in `ranges` at least in part, in the layer's order. What the ranges hold besides (the end of the
 * archive) belongs to no member.
 */
export function attributeMembers(
  members: readonly LayerMember[],
  ranges: readonly LayerRange[],
): AttributedMember[] {
  const found: AttributedMember[] = [];
  let next = 0;
  for (const member of members) {
    const start = member.headerPosition;
    const end = member.contentPosition + member.size + tarPadding(member.size);
    while ((ranges[next]?.end ?? Infinity) <= start) next += 1;
    let encodedSize = 0;
    for (let index = next; index < ranges.length; index += 1) {
      const range = ranges[index];
      if (range === undefined || range.start >= end) break;
      encodedSize += Math.max(0, Math.min(end, range.end) - Math.max(start, range.start));
    }
    if (encodedSize > 0) found.push({ member, encodedSize });
  }
  return found;
}
