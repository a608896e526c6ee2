/** The decoded view: the content of a .xz file's blocks at random access, decoded on read, with the last ones kept. */
import { LRUCache } from 'lru-cache';
import { decodeBlock } from '../addon/block-codec.ts';
import type { CheckName } from '../blocks/profile.ts';
import { readFully } from './read-chunks.ts';
import type { StreamOptions, VirtualFile } from './virtual-file.ts';

/** Where a block lies in the .xz file, and its content in the decoded one. */
export interface DecodableBlock {
  readonly start: number;
  readonly storedSize: number;
  readonly uncompressedStart: number;
  readonly uncompressedSize: number;
  readonly check: CheckName;
}

export interface DecodedFileOptions {
  /** Bytes of decoded blocks to keep. */
  readonly cacheSize?: number;
  /** Blocks to decode ahead of a stream's reader. */
  readonly readAhead?: number;
}

/**
 * The content of `blocks`, which lie in `xz` and follow each other without gaps. A block that is wanted by several
 * readers is decoded once. Owns `xz`: closing this closes it. Throws xz-corrupt where a block does not decode.
 */
export function openDecodedFile(
  xz: VirtualFile,
  blocks: readonly DecodableBlock[],
  { cacheSize = 128 * 1024 * 1024, readAhead = 3 }: DecodedFileOptions = {},
): VirtualFile {
  const full = blocks.filter((block) => block.uncompressedSize > 0);
  const last = full.at(-1);
  const size = last === undefined ? 0 : last.uncompressedStart + last.uncompressedSize;
  const decoded = new LRUCache<number, Buffer>({
    maxSize: cacheSize,
    maxEntrySize: Number.MAX_SAFE_INTEGER,
    sizeCalculation: (content) => content.length,
    fetchMethod: async (index) => decodeAt(xz, getBlock(full, index)),
  });
  const getContent = async (index: number): Promise<Buffer> => decoded.forceFetch(index);

  async function* stream({ start = 0, end = size, signal }: StreamOptions = {}): AsyncGenerator<Uint8Array> {
    const ahead = new Map<number, Promise<Buffer>>();
    for (let index = findBlockAt(full, start); index < full.length; index += 1) {
      const block = getBlock(full, index);
      if (block.uncompressedStart >= end) return;
      signal?.throwIfAborted();
      for (let next = index; next < Math.min(full.length, index + 1 + readAhead); next += 1) {
        if (getBlock(full, next).uncompressedStart >= end || ahead.has(next)) continue;
        const content = decodeAt(xz, getBlock(full, next));
        content.catch(() => undefined); // thrown where it is awaited, which the consumer may never come to
        ahead.set(next, content);
      }
      const content = await (ahead.get(index) ?? getContent(index));
      ahead.delete(index);
      yield content.subarray(
        Math.max(0, start - block.uncompressedStart),
        Math.min(block.uncompressedSize, end - block.uncompressedStart),
      );
    }
  }

  return {
    size,
    async read(target, position) {
      const end = Math.min(size, position + target.length);
      let done = 0;
      for (let index = findBlockAt(full, position); position + done < end; index += 1) {
        const inside = position + done - getBlock(full, index).uncompressedStart;
        done += (await getContent(index)).copy(target, done, inside, inside + (end - position - done));
      }
      return done;
    },
    stream,
    close: () => xz.close(),
  };
}

/** The index of the block that holds `position`, by binary search; the count of blocks where none does. */
function findBlockAt(blocks: readonly DecodableBlock[], position: number): number {
  let low = 0;
  let high = blocks.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const block = getBlock(blocks, middle);
    if (block.uncompressedStart + block.uncompressedSize <= position) low = middle + 1;
    else high = middle;
  }
  return low;
}

function getBlock(blocks: readonly DecodableBlock[], index: number): DecodableBlock {
  const block = blocks[index];
  if (block === undefined) throw new RangeError(`There is no block ${index}`);
  return block;
}

async function decodeAt(xz: VirtualFile, block: DecodableBlock): Promise<Buffer> {
  const stored = Buffer.allocUnsafeSlow(block.storedSize);
  await readFully(xz, stored, block.start);
  return decodeBlock(stored, block.check, block.uncompressedSize);
}
