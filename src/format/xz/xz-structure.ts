/** Reads where the streams and blocks of a .xz file lie, from its end backwards (.xz 1.2.1 §2.1.2.2), decoding nothing. */
import { findLastNonZero } from '../../ground/zeros.ts';
import { type IndexRecord, parseIndex, roundUpToFour } from './index-field.ts';
import { hasFooterMagic, parseStreamFooter, streamFooterSize } from './stream-footer.ts';
import type { XzCheck } from './stream-flags.ts';
import { isXz, parseStreamHeader, streamHeaderSize } from './stream-header.ts';
import { xzError } from './vli.ts';

/** A block; positions and sizes in bytes. */
export interface XzBlock {
  /** Where its header starts in the file. */
  readonly start: number;
  /** Without padding (§4.3.1). */
  readonly unpaddedSize: number;
  /** With padding: what it takes in the file. */
  readonly storedSize: number;
  readonly uncompressedSize: number;
  /** Where its content starts in the content of the whole file. */
  readonly uncompressedStart: number;
}

export interface XzStream {
  /** Where its header starts in the file. */
  readonly start: number;
  /** From its header to its footer. */
  readonly size: number;
  readonly check: XzCheck;
  readonly blocks: readonly XzBlock[];
  /** Bytes of zeros behind it (§2.2). */
  readonly paddingSize: number;
}

export interface XzStructure {
  /** In the order of the file; at least one. */
  readonly streams: readonly XzStream[];
  /** The content of all blocks of all streams. */
  readonly uncompressedSize: number;
}

/** What is read: a VirtualFile, or anything else of a known size. */
export interface XzInput {
  readonly size: number;
  read(target: Uint8Array, position: number): Promise<number>;
}

type StreamFrame = Omit<XzStream, 'blocks'> & { readonly records: readonly IndexRecord[] };

/** Larger than the index of 15 million blocks; the format allows 16 GiB. */
const indexSizeLimit = 128 * 1024 * 1024;
const largestPaddingChunk = 1024 * 1024;

/** What is read at once, since a file of a few MB can have a hundred thousand streams. */
const windowSize = 64 * 1024;

/**
 * The structure of the whole of `xz`. Reads headers, indexes, footers and padding, so block headers and content stay
 * unchecked. Throws xz-truncated, xz-corrupt or xz-unsupported, each naming the byte at fault.
 */
export async function readXzStructure(xz: XzInput): Promise<XzStructure> {
  const file = readBackwards(xz);
  await checkStart(file);
  const frames: StreamFrame[] = [];
  for (let end = file.size; end > 0;) {
    const paddingStart = await findPaddingStart(file, end);
    const frame = await readStreamFrame(file, paddingStart, end, frames.length === 0);
    frames.push(frame);
    end = frame.start;
  }
  return placeBlocks(frames.reverse());
}

/** A file that is no .xz, or ends in its first bytes, is named as such, and not by what its end lacks. */
async function checkStart(file: XzInput): Promise<void> {
  if (file.size === 0) throw xzError('xz-truncated', 'stream header', 0, 'the file is empty');
  const start = await readAt(file, 0, Math.min(file.size, streamHeaderSize));
  if (start.length < streamHeaderSize)
    throw xzError('xz-truncated', 'stream header', 0, 'the file ends in it');
  if (!isXz(start)) throw xzError('xz-corrupt', 'stream header', 0, 'this is not a .xz file');
  if (file.size % 4 !== 0) {
    throw xzError('xz-truncated', 'data', file.size, 'the file ends there, at no multiple of four');
  }
}

/** The start of the zeros that end at `end`: a multiple of four, for what comes before them is one (§2.2). */
async function findPaddingStart(file: XzInput, end: number): Promise<number> {
  // Small at first, for most streams have no padding, and there may be very many of them.
  let chunkSize = streamFooterSize;
  for (let chunkEnd = end; chunkEnd > 0;) {
    const start = Math.max(0, chunkEnd - chunkSize);
    const chunk = await readAt(file, start, chunkEnd - start);
    const last = findLastNonZero(chunk);
    if (last >= 0) return roundUpToFour(start + last + 1);
    chunkEnd = start;
    chunkSize = Math.min(2 * chunkSize, largestPaddingChunk);
  }
  return 0;
}

/** Reads the stream that ends at `end`; `paddingEnd` is where the zeros behind it end. */
async function readStreamFrame(
  file: XzInput,
  end: number,
  paddingEnd: number,
  isLast: boolean,
): Promise<StreamFrame> {
  const footerStart = end - streamFooterSize;
  if (footerStart < streamHeaderSize) {
    throw xzError('xz-truncated', 'stream footer', end, 'the file is too short for one');
  }
  const footerBytes = await readAt(file, footerStart, streamFooterSize);
  if (isLast && !hasFooterMagic(footerBytes)) {
    throw xzError(
      'xz-truncated',
      'stream footer',
      footerStart,
      'there is none, so the end of the file is missing',
    );
  }
  const footer = parseStreamFooter(footerBytes, footerStart);
  const indexStart = footerStart - footer.indexSize;
  if (indexStart < streamHeaderSize) {
    throw xzError(
      'xz-corrupt',
      'stream footer',
      footerStart,
      `its index cannot have ${footer.indexSize} bytes`,
    );
  }
  if (footer.indexSize > indexSizeLimit) {
    throw xzError(
      'xz-unsupported',
      'index',
      indexStart,
      `it has ${footer.indexSize} bytes, more than 128 MiB`,
    );
  }
  const records = parseIndex(await readAt(file, indexStart, footer.indexSize), indexStart);
  const blocksSize = records.reduce((sum, record) => sum + roundUpToFour(record.unpaddedSize), 0);
  const start = indexStart - blocksSize - streamHeaderSize;
  if (start < 0) {
    throw xzError(
      'xz-corrupt',
      'index',
      indexStart,
      `its blocks have ${blocksSize} bytes, more than are there`,
    );
  }
  const check = parseStreamHeader(await readAt(file, start, streamHeaderSize), start);
  if (check !== footer.check) {
    throw xzError(
      'xz-corrupt',
      'stream footer',
      footerStart,
      'its flags differ from those of the stream header',
    );
  }
  return { start, size: end - start, check, records, paddingSize: paddingEnd - end };
}

function placeBlocks(frames: readonly StreamFrame[]): XzStructure {
  let uncompressedStart = 0;
  const streams = frames.map(({ records, ...frame }): XzStream => {
    let start = frame.start + streamHeaderSize;
    const blocks = records.map(({ unpaddedSize, uncompressedSize }): XzBlock => {
      const storedSize = roundUpToFour(unpaddedSize);
      const block = { start, unpaddedSize, storedSize, uncompressedSize, uncompressedStart };
      start += storedSize;
      uncompressedStart += uncompressedSize;
      return block;
    });
    if (!Number.isSafeInteger(uncompressedStart)) {
      throw xzError('xz-unsupported', 'index', start, 'the content of all blocks is beyond 2^53 bytes');
    }
    return { ...frame, blocks };
  });
  return { streams, uncompressedSize: uncompressedStart };
}

/** The same bytes, of which small pieces are taken out of the last window that was read: the one that ends where they do. */
function readBackwards(file: XzInput): XzInput {
  let window: Uint8Array = new Uint8Array(0);
  let windowStart = 0;
  return {
    size: file.size,
    async read(target, position) {
      const end = position + target.length;
      if (target.length > windowSize || end > file.size) return file.read(target, position);
      if (position < windowStart || end > windowStart + window.length) {
        windowStart = Math.max(0, end - windowSize);
        window = await readAt(file, windowStart, end - windowStart);
      }
      target.set(window.subarray(position - windowStart, end - windowStart));
      return target.length;
    },
  };
}

async function readAt(file: XzInput, position: number, length: number): Promise<Uint8Array> {
  const target = Buffer.allocUnsafeSlow(length);
  for (let done = 0; done < length;) {
    const count = await file.read(target.subarray(done), position + done);
    if (count === 0) throw xzError('xz-truncated', 'data', position + done, 'the file ends there');
    done += count;
  }
  return target;
}
