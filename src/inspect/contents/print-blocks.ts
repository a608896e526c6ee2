/** Tells the blocks of a .xz file apart without decoding them: by the check that each ends with, and by its sizes. */
import { mapWithLimit } from '../../ground/map-with-limit.ts';
import { readFully } from '../../file/read-chunks.ts';
import type { VirtualFile } from '../../file/virtual-file.ts';
import type { XzStructure } from '../../format/xz/xz-structure.ts';
import type { ContentBlock } from './bundle-contents.ts';

/** Bytes of the check at the end of a block (.xz 1.2.1 §2.1.1.2). */
const checkSizes: Readonly<Record<string, number>> = { crc32: 4, crc64: 8, sha256: 32 };
const readsAtOnce = 16;

/**
 * The blocks of `file`, in its order; undefined where one has no check to tell it by. Two blocks of one print have the
 * same check of their content, the same size of it, and the same stored size: enough to tell what changed from what did
 * not, and no proof against forgery.
 */
export async function printBlocks(
  file: Pick<VirtualFile, 'read'>,
  { streams }: XzStructure,
): Promise<readonly ContentBlock[] | undefined> {
  const blocks = streams.flatMap((stream) =>
    stream.blocks.map((block) => ({ ...block, check: stream.check })),
  );
  if (blocks.some(({ check }) => checkSizes[check] === undefined)) return undefined;
  return mapWithLimit(blocks, readsAtOnce, async (block) => {
    const value = Buffer.alloc(checkSizes[block.check] ?? 0);
    await readFully(file, value, block.start + block.unpaddedSize - value.length);
    return {
      print: `${block.check}:${value.toString('hex')}:${block.unpaddedSize}:${block.uncompressedSize}`,
      start: block.uncompressedStart,
      size: block.uncompressedSize,
      storedSize: block.storedSize,
    };
  });
}
