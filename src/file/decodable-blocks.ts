/** Where the content of a layout's blocks lies in the decoded file. */
import type { CheckName } from '../format/xz/stream-flags.ts';
import type { Layout } from '../plan/layout/extent.ts';
import type { DecodableBlock } from './decoded-file.ts';

/** The blocks of `layout`, an .xz Stream with this check, in their order. */
export function listDecodableBlocks({ extents }: Layout, check: CheckName): DecodableBlock[] {
  let uncompressedStart = 0;
  const blocks: DecodableBlock[] = [];
  for (const extent of extents) {
    if (extent.kind !== 'block') continue;
    const { uncompressedSize, unpaddedSize, key, crc64 } = extent.record;
    blocks.push({
      key,
      start: extent.start,
      unpaddedSize,
      uncompressedStart,
      uncompressedSize,
      check,
      crc64,
    });
    uncompressedStart += uncompressedSize;
  }
  return blocks;
}
