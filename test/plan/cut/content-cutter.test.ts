/** createContentCutter: cuts that depend on content alone, and stay where they are when content elsewhere changes. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { scanGearNatively } from '../../../src/addon/scan-gear.ts';
import { contentCutterName, createContentCutter } from '../../../src/plan/cut/content-cutter.ts';
import { cut as cutWith } from '../layer-fixture.ts';

const small = { minSize: 256, meanSize: 1024, maxSize: 4096 };
const mebibyte = 1024 * 1024;

/** Bytes that look random and are the same every time (xorshift32). */
function noise(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed;
  for (let position = 0; position + 4 <= length; position += 4) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes.writeInt32LE(state | 0, position);
  }
  return bytes;
}

const cut = (bytes: Uint8Array, options = {}, chunkSizes?: readonly number[]): Uint8Array[] =>
  cutWith(createContentCutter(options), bytes, chunkSizes);

const lengthsOf = (pieces: readonly Uint8Array[]): number[] => pieces.map((piece) => piece.length);
const digestOf = (piece: Uint8Array): string => createHash('sha256').update(piece).digest('hex');

/** Content of every kind: noise, runs of one byte, and repetitions. */
const content = fc
  .array(
    fc.oneof(
      fc.tuple(fc.nat(9000), fc.integer()).map(([length, seed]) => noise(length, seed | 1)),
      fc.tuple(fc.nat(9000), fc.nat(255)).map(([length, byte]) => Buffer.alloc(length, byte)),
      fc
        .tuple(fc.nat(9000), fc.uint8Array({ minLength: 1, maxLength: 9 }))
        .map(([n, unit]) => Buffer.alloc(n, unit)),
    ),
    { maxLength: 4 },
  )
  .map((parts) => Buffer.concat(parts));
const chunkings = fc.array(fc.integer({ min: 0, max: 5000 }), { minLength: 1, maxLength: 5 });

describe('createContentCutter', () => {
  test('gives pieces that joined are the input, the same however it is chunked', () => {
    fc.assert(
      fc.property(content, chunkings, (bytes, chunkSizes) => {
        const pieces = cut(bytes, small, [...chunkSizes, 777]);
        expect(Buffer.concat(pieces).equals(bytes)).toBe(true);
        expect(lengthsOf(pieces)).toEqual(lengthsOf(cut(bytes, small)));
      }),
    );
  });

  test('keeps to the bounds, save for the last piece, and cuts each piece by itself', () => {
    fc.assert(
      fc.property(content, (bytes) => {
        const lengths = lengthsOf(cut(bytes, small));
        for (const length of lengths) expect(length).toBeLessThanOrEqual(small.maxSize);
        for (const length of lengths.slice(0, -1)) expect(length).toBeGreaterThanOrEqual(small.minSize);
        const [first = 0, ...others] = lengths;
        expect(lengthsOf(cut(bytes.subarray(first), small))).toEqual(others);
      }),
    );
  });

  test('leaves all pieces but those near an insertion the same', () => {
    const bytes = noise(400_000, 7);
    const edited = Buffer.concat([bytes.subarray(0, 3000), Buffer.from('inserted'), bytes.subarray(3000)]);
    const before = cut(bytes, small).map(digestOf);
    const known = new Set(before);
    const shared = cut(edited, small).filter((piece) => known.has(digestOf(piece)));
    expect(before.length).toBeGreaterThan(250);
    expect(before.length - shared.length).toBeLessThanOrEqual(12);
    expect(digestOf(shared.at(-1) ?? Buffer.alloc(0))).toBe(before.at(-1));
  });

  test('has pieces of about the mean size on random content', () => {
    const count = cut(noise(2_000_000, 3), small).length;
    const mean = 2_000_000 / count;
    expect(mean).toBeGreaterThan(small.meanSize / 2);
    expect(mean).toBeLessThan(small.meanSize * 2);
  });

  test('cuts runs of one byte at the largest size', () => {
    for (const byte of [0, 1, 32, 255]) {
      expect(lengthsOf(cut(Buffer.alloc(10_000, byte), small))).toEqual([4096, 4096, 1808]);
    }
  });

  test('has cut this content here for ever, under this name', () => {
    expect(contentCutterName).toBe('content-4m-1');
    const bytes = noise(40 * mebibyte, 1);
    expect(lengthsOf(cut(bytes, {}, [mebibyte]))).toEqual([
      1336222, 4198253, 5223933, 4717650, 4217956, 5014386, 4505565, 4673892, 4976805, 3078378,
    ]);
    expect(lengthsOf(cut(bytes.subarray(0, 8000), small))).toEqual([
      1180, 1217, 1209, 1344, 489, 1075, 720, 766,
    ]);
  });

  test('cuts in the same places by the native scan', () => {
    fc.assert(
      fc.property(content, chunkings, (bytes, chunkSizes) => {
        const natively = cut(bytes, { ...small, scan: scanGearNatively }, [...chunkSizes, 777]);
        expect(lengthsOf(natively)).toEqual(lengthsOf(cut(bytes, small)));
      }),
    );
    const bytes = noise(20 * mebibyte, 5);
    expect(lengthsOf(cut(bytes, { scan: scanGearNatively }, [mebibyte]))).toEqual(lengthsOf(cut(bytes)));
  });

  test('takes a layer without content, and refuses sizes out of order', () => {
    expect(cut(Buffer.alloc(0))).toEqual([]);
    expect(() => createContentCutter({ minSize: 31 })).toThrow(RangeError);
    expect(() => createContentCutter({ minSize: 5 * mebibyte })).toThrow(RangeError);
    expect(() => createContentCutter({ maxSize: mebibyte })).toThrow(RangeError);
    expect(() => createContentCutter({ meanSize: NaN })).toThrow(RangeError);
  });
});
