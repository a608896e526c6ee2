/** A .xz file on disk, ours or a foreign one, at random access to what it holds. */
import { readXzStructure, type XzStructure } from '../../format/xz/xz-structure.ts';
import { type DecodableBlock, openDecodedFile } from '../../file/decoded-file.ts';
import type { VirtualFile } from '../../file/virtual-file.ts';

/** The largest block that is decoded whole in memory. `xz -T -6` makes blocks of 24 MiB, -9 of 192 MiB. */
export const largestDecodableBlock = 64 * 1024 * 1024;

export interface XzFile {
  readonly structure: XzStructure;
  /** The decoded content, or undefined where a block is too large, or of a kind that only a whole-file decoder reads. */
  readonly content: VirtualFile | undefined;
}

/** Reads the structure of `xz` and opens its content. Throws xz-corrupt, xz-truncated, xz-unsupported. */
export async function openXzFile(xz: VirtualFile): Promise<XzFile> {
  const structure = await readXzStructure(xz);
  const blocks = findDecodableBlocks(structure);
  return { structure, content: blocks && openDecodedFile(xz, blocks) };
}

function findDecodableBlocks(structure: XzStructure): DecodableBlock[] | undefined {
  const blocks: DecodableBlock[] = [];
  for (const stream of structure.streams) {
    const { check } = stream;
    if (check !== 'crc32' && check !== 'crc64' && check !== 'sha256') return undefined;
    for (const { start, unpaddedSize, uncompressedStart, uncompressedSize } of stream.blocks) {
      if (uncompressedSize > largestDecodableBlock) return undefined;
      const key = String(blocks.length); // of this file alone
      blocks.push({ key, start, unpaddedSize, uncompressedStart, uncompressedSize, check });
    }
  }
  return blocks;
}
