/** Cutting by content alone: pieces end where their last bytes say so, so that an edit moves no cut but those near it. */
import { appendAll } from '../../ground/long-lists.ts';
import { PieceBuffer } from './piece-buffer.ts';
import type { GearScan, Piece, PieceCutter } from './piece-cutter.ts';

/** The name and version of this rule with its default sizes. Whatever moves a cut must change it. */
export const contentCutterName = 'content-4m-1';

/** In bytes; `minSize` at least 32, and none smaller than the one before. */
export interface ContentCutterOptions {
  /** No piece but a layer's last is smaller (1 MiB). */
  readonly minSize?: number;
  /** About what pieces have in the mean (4 MiB); as good as the next power of two. */
  readonly meanSize?: number;
  /** No piece is larger (16 MiB). */
  readonly maxSize?: number;
  /** Does what scanGear does. */
  readonly scan?: GearScan;
}

const mebibyte = 1024 * 1024;
/** The hash has 32 bits and every byte shifts it by one: it knows the last 32 bytes and no others. */
const windowSize = 32;
/** A mask that no hash meets: for bytes that are hashed and may not end a piece. */
const noMask = 0;
const gear = createGearTable(0x62667331);

/**
 * A cutter by a gear hash, as FastCDC has it (Xia et al., USENIX ATC 2016, sections 3.2 to 3.4): a piece may end
 * where the hash's top bits are all zero; two more bits than the mean asks for below meanSize, two fewer above it,
 * so that most pieces are near the mean. The first minSize - 32 bytes of a piece are not hashed.
 * Throws RangeError for sizes out of order.
 */
export function createContentCutter(options: ContentCutterOptions = {}): PieceCutter {
  const { minSize = mebibyte, meanSize = 4 * mebibyte, maxSize = 16 * mebibyte, scan = scanGear } = options;
  if (!(windowSize <= minSize && minSize <= meanSize && meanSize <= maxSize)) {
    throw new RangeError(`Pieces of ${minSize}, ${meanSize} and ${maxSize} bytes: from 32 up was expected`);
  }
  const bitCount = Math.round(Math.log2(meanSize));
  const hardMask = topBits(bitCount + 2);
  const easyMask = topBits(bitCount - 2);
  const held = new PieceBuffer();
  const hash = new Int32Array(1);

  /** The index in `chunk` after the last byte of the current piece, which goes on at `start`; -1 where it goes on. */
  const findCut = (chunk: Uint8Array, start: number): number => {
    const origin = start - held.size;
    const scanTo = (from: number, to: number, mask: number): number => {
      const end = Math.min(chunk.length, origin + to);
      return from < end ? scan(chunk, from, end, mask, hash, gear) : from;
    };
    let at = Math.max(start, origin + minSize - windowSize);
    at = scanTo(at, minSize - 1, noMask);
    at = scanTo(at, meanSize - 1, hardMask);
    if (at < 0) return -at;
    at = scanTo(at, maxSize, easyMask);
    if (at < 0) return -at;
    return at === origin + maxSize ? at : -1;
  };
  const finishPiece = (): Piece[] => {
    hash[0] = 0;
    return held.cut();
  };

  return {
    push(chunk) {
      const pieces: Piece[] = [];
      let start = 0;
      for (let cut = findCut(chunk, start); cut >= 0; cut = findCut(chunk, start)) {
        held.take(chunk.subarray(start, cut));
        appendAll(pieces, finishPiece());
        start = cut;
      }
      held.take(chunk.subarray(start));
      return pieces;
    },
    end: finishPiece,
  };
}

/** The scan in JavaScript: what a native one must do, bit by bit. */
export const scanGear: GearScan = (bytes, start, end, mask, hash, table) => {
  let rolling = hash[0] ?? 0;
  let at = start;
  while (at < end) {
    rolling = ((rolling << 1) + (table[bytes[at] ?? 0] ?? 0)) | 0;
    at += 1;
    if (mask !== noMask && (rolling & mask) === 0) {
      at = -at;
      break;
    }
  }
  hash[0] = rolling;
  return at;
};

/** An int32 whose `count` highest bits are set; at least one. */
function topBits(count: number): number {
  return -1 << (32 - Math.min(32, Math.max(1, count)));
}

/** 256 well mixed int32, the same for ever: splitmix32 (the finaliser of MurmurHash3 over a Weyl sequence) from `seed`. */
function createGearTable(seed: number): Int32Array {
  let state = seed;
  return Int32Array.from({ length: 256 }, () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return mixed ^ (mixed >>> 16);
  });
}
