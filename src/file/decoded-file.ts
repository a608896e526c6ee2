/** The decoded view: the content of a .xz file's blocks at random access, decoded on read, with the last ones kept. */
import { crc64, decodeBlock } from '../addon/block-codec.ts';
import type { CheckName } from '../format/xz/stream-flags.ts';
import { decodeXzInto } from '../addon/decode-xz-into.ts';
import { createDecodeError, lzmaDataError } from '../addon/lzma-error.ts';
import { encodeIndex, roundUpToFour } from '../format/xz/index-field.ts';
import { encodeStreamFooter } from '../format/xz/stream-footer.ts';
import { encodeStreamHeader } from '../format/xz/stream-header.ts';
import { createDecodedBlocks, type Decode, type DecodedBlocks } from './decoded-blocks.ts';
import type { Grow } from './growing-content.ts';
import { readFully } from './read-chunks.ts';
import { createReadingPlaces } from './reading-places.ts';
import type { StreamOptions, VirtualFile } from './virtual-file.ts';

/** Where a block lies in the .xz file, and its content in the decoded one. */
export interface DecodableBlock {
  /** What its content is kept by. */
  readonly key: string;
  readonly start: number;
  /** Without its padding (.xz 1.2.1 §4.3 "Unpadded Size"). */
  readonly unpaddedSize: number;
  readonly uncompressedStart: number;
  readonly uncompressedSize: number;
  readonly check: CheckName;
  /**
   * CRC64 of the stored bytes, padding included, 16 hex digits, where that is known. Content is then given as soon as it is
   * decoded; otherwise when the check at the end of the block has been verified.
   */
  readonly crc64?: string;
}

export interface DecodedFileOptions {
  /** Bytes of decoded blocks to keep for this file alone. */
  readonly cacheSize?: number;
  /** Where decoded blocks are kept, in place of that. Files that share it must give equal content equal keys only. */
  readonly decoded?: DecodedBlocks;
  /** Blocks to decode ahead of a reader that reads forwards. */
  readonly readAhead?: number;
}

export interface DecodedFile extends VirtualFile {
  /** Like read, without waiting: undefined where that is not possible, and read must be used. */
  tryRead(target: Uint8Array, position: number): number | undefined;
}

/**
 * The content of `blocks`, which lie in `xz` and follow each other without gaps. A block that is wanted by several
 * readers is decoded once. Owns `xz`: closing this closes it. Throws xz-corrupt where a block does not decode.
 */
export function openDecodedFile(
  xz: VirtualFile,
  blocks: readonly DecodableBlock[],
  {
    cacheSize = 128 * 1024 * 1024,
    decoded = createDecodedBlocks(cacheSize),
    readAhead = 3,
  }: DecodedFileOptions = {},
): DecodedFile {
  const full = blocks.filter((block) => block.uncompressedSize > 0);
  const last = full.at(-1);
  const size = last === undefined ? 0 : last.uncompressedStart + last.uncompressedSize;
  const places = createReadingPlaces();
  const decoderOf =
    (block: DecodableBlock): Decode =>
    (grow) =>
      block.crc64 === undefined ? decodeAt(xz, block) : decodeGradually(xz, block, grow);

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
      const content = await (ahead.get(index) ?? decodeAt(xz, block));
      ahead.delete(index);
      yield content.subarray(
        Math.max(0, start - block.uncompressedStart),
        Math.min(block.uncompressedSize, end - block.uncompressedStart),
      );
    }
  }

  /** Has the blocks behind `index` decoded where a reader goes on from where one ended. */
  const readOn = (index: number, isForwards: boolean): void => {
    if (!isForwards) return;
    for (const block of full.slice(index + 1, index + 1 + readAhead)) {
      decoded.prefetch(block.key, decoderOf(block));
    }
  };

  return {
    size,
    tryRead(target, position) {
      const end = Math.min(size, position + target.length);
      let index = findBlockAt(full, position);
      let done = 0;
      for (; position + done < end; index += 1) {
        const block = getBlock(full, index);
        const inside = position + done - block.uncompressedStart;
        const room = target.subarray(
          done,
          done + Math.min(end - position - done, block.uncompressedSize - inside),
        );
        if (!decoded.tryRead(block.key, room, inside)) return undefined;
        done += room.length;
      }
      readOn(index - 1, places.take(position, position + done));
      return done;
    },
    async read(target, position) {
      const end = Math.min(size, position + target.length);
      const isForwards = places.take(position, Math.max(position, end));
      let done = 0;
      for (let index = findBlockAt(full, position); position + done < end; index += 1) {
        const block = getBlock(full, index);
        const inside = position + done - block.uncompressedStart;
        const room = target.subarray(
          done,
          done + Math.min(end - position - done, block.uncompressedSize - inside),
        );
        const wanted = decoded.read(block.key, room, inside, decoderOf(block));
        readOn(index, isForwards);
        await wanted;
        done += room.length;
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
  return decodeBlock(await readStored(xz, block), block.check, block.uncompressedSize);
}

/** The same in steps, as a Stream of one Block (.xz 1.2.1 §2.1), of stored bytes that are the right ones. */
async function decodeGradually(xz: VirtualFile, block: DecodableBlock, grow: Grow): Promise<Buffer> {
  const { check, uncompressedSize } = block;
  const stored = await readStored(xz, block);
  if (crc64(stored) !== block.crc64) throw createDecodeError('an xz block', lzmaDataError);
  const index = encodeIndex([block]);
  const content = Buffer.allocUnsafeSlow(uncompressedSize);
  await decodeXzInto(
    [encodeStreamHeader(check), stored, index, encodeStreamFooter(check, index.length)],
    content,
    {
      onFilled: (filledSize) => {
        if (filledSize < uncompressedSize) grow(content, filledSize); // the last bytes wait for the block's own check
      },
    },
  );
  return content;
}

async function readStored(xz: VirtualFile, { start, unpaddedSize }: DecodableBlock): Promise<Buffer> {
  const stored = Buffer.allocUnsafeSlow(roundUpToFour(unpaddedSize));
  await readFully(xz, stored, start);
  return stored;
}
