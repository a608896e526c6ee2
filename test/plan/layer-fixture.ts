/** Layers for the tests of src/plan: tars of files with content of a chosen kind, and what a cutter makes of them. */
import { createHash } from 'node:crypto';
import { joinPiece, type PieceCutter } from '../../src/plan/cut/piece-cutter.ts';
import { encodeTarHeader, tarEnd, tarPadding } from '../../src/format/tar/tar-header.ts';
import { sealHeader } from '../format/tar/tar-fixture.ts';

export interface LayerFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  /** Seconds since 1970; 0 where it is left out. */
  readonly mtime?: number;
}

/** The tar of `files`, end of archive included. */
export function layerOf(files: readonly LayerFile[]): Buffer {
  return Buffer.concat([...files.flatMap(memberOf), tarEnd]);
}

function memberOf({ path, bytes, mtime = 0 }: LayerFile): Uint8Array[] {
  const header = Buffer.from(encodeTarHeader({ name: path, size: bytes.length }));
  header.write(mtime.toString(8).padStart(11, '0'), 136, 'latin1');
  sealHeader(header);
  return [header, bytes, Buffer.alloc(tarPadding(bytes.length))];
}

/** Bytes that look random and are the same every time (xorshift32). */
export function noise(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = Math.imul(seed, 0x9e3779b1) | 1;
  for (let position = 0; position + 4 <= length; position += 4) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes.writeInt32LE(state | 0, position);
  }
  return bytes;
}

/** The same, of 16 letters: what compresses. */
export function text(length: number, seed: number): Buffer {
  return noise(length, seed).map((byte) => 0x61 + (byte & 15)) as Buffer;
}

/** The pieces of `bytes`, given in chunks of `chunkSizes` over and over. */
export function cut(
  cutter: PieceCutter,
  bytes: Uint8Array,
  chunkSizes: readonly number[] = [bytes.length],
): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let start = 0, turn = 0; start < bytes.length; turn += 1) {
    const chunkSize = chunkSizes[turn % chunkSizes.length] ?? bytes.length;
    pieces.push(...cutter.push(bytes.subarray(start, start + chunkSize)).map(joinPiece));
    start += chunkSize;
  }
  return [...pieces, ...cutter.end().map(joinPiece)];
}

export function sizesOf(pieces: readonly Uint8Array[]): number[] {
  return pieces.map((piece) => piece.length);
}

/** Bytes of `pieces` that are not in a piece of `known`. */
export function newSize(pieces: readonly Uint8Array[], known: readonly Uint8Array[]): number {
  const keys = new Set(known.map(digestOf));
  return pieces.reduce((sum, piece) => (keys.has(digestOf(piece)) ? sum : sum + piece.length), 0);
}

function digestOf(piece: Uint8Array): string {
  return createHash('sha256').update(piece).digest('hex');
}
