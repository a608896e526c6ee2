import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BlockRecord } from '../../../src/plan/layout/block-record.ts';
import type { Layout } from '../../../src/plan/layout/extent.ts';
import { cutParts } from '../../../src/plan/layout/cut-parts.ts';
import { sliceLayout } from '../../../src/plan/layout/slice-layout.ts';
import { fakeBlock, layOut } from './part-layouts.ts';

const largestBlock = 1000;

/** Lists of blocks with distinct contents, of sizes from tiny to the largest. */
const blocksArbitrary = (minLength = 1): fc.Arbitrary<BlockRecord[]> =>
  fc
    .array(fc.integer({ min: 8, max: largestBlock }), { minLength, maxLength: 400 })
    .chain((sizes) =>
      fc.integer().map((seed) => sizes.map((size, index) => fakeBlock(`${seed}/${index}`, size))),
    );

const maxSizeArbitrary = fc.integer({ min: 5 * largestBlock, max: 40 * largestBlock });

/** What each part holds: equal strings are equal bytes. */
function partsOf(layout: Layout, maxSize: number): string[] {
  const ends = cutParts(layout, maxSize);
  return ends.map((end, index) =>
    sliceLayout(layout, ends[index - 1] ?? 0, end)
      .extents.map((extent) =>
        extent.kind === 'block' ? extent.record.key : Buffer.from(extent.bytes).toString('hex'),
      )
      .join(),
  );
}

describe('cutParts', () => {
  it('joins to the whole, with no part larger than asked for and none but the last below two thirds of it', () => {
    fc.assert(
      fc.property(blocksArbitrary(), maxSizeArbitrary, (blocks, maxSize) => {
        const layout = layOut(blocks);
        const tail = layout.extents.at(-1)?.length ?? 0;
        fc.pre(tail <= maxSize);
        const ends = cutParts(layout, maxSize);
        expect(ends.at(-1)).toBe(layout.size);
        const slices = ends.map((end, index) => sliceLayout(layout, ends[index - 1] ?? 0, end));
        const joined = slices.flatMap(({ extents }) => extents);
        expect(joined.map(({ length }) => length)).toEqual(layout.extents.map(({ length }) => length));
        for (const [index, { size }] of slices.entries()) {
          expect(size).toBeLessThanOrEqual(maxSize);
          // A block fewer may be left for the last cut, since the index behind it is no place to cut at.
          const least = index === slices.length - 2 ? 0 : (maxSize * 2) / 3 - largestBlock - 4;
          if (index < slices.length - 1) expect(size).toBeGreaterThan(least);
        }
      }),
    );
  });

  it('cuts before a changed block as before the change, wherever the block did not yet matter', () => {
    const change = fc.constantFrom(insertAt, removeAt, replaceAt);
    const sizes = fc.integer({ min: 5 * largestBlock, max: 10 * largestBlock });
    fc.assert(
      fc.property(blocksArbitrary(200), sizes, fc.nat(99), change, (blocks, maxSize, fromEnd, changed) => {
        const place = blocks.length - 1 - fromEnd;
        const layout = layOut(blocks);
        const changedAt = layout.extents[place + 1]?.start ?? 0;
        // A cut is chosen among the ends of blocks that are at most maxSize behind the cut before it.
        const early = (ends: readonly number[]): number[] =>
          ends.filter((_, index) => (ends[index - 1] ?? 0) + maxSize <= changedAt);
        const wanted = early(cutParts(layout, maxSize));
        expect(wanted.length).toBeGreaterThanOrEqual(Math.floor(changedAt / maxSize));
        expect(early(cutParts(layOut(changed(blocks, place)), maxSize))).toEqual(wanted);
      }),
    );
  });

  it('leaves most parts as they are after a change of one place, where a greedy fill moves all behind it', () => {
    const blocks = Array.from({ length: 3000 }, (_, index) =>
      fakeBlock(`block ${index}`, 8 + ((index * 7919) % largestBlock)),
    );
    const maxSize = 30 * largestBlock;
    const before = new Set(partsOf(layOut(blocks), maxSize));
    const keptCounts: number[] = [];
    for (let place = 100; place < blocks.length; place += 217) {
      for (const change of [insertAt, removeAt, replaceAt]) {
        const after = partsOf(layOut(change(blocks, place)), maxSize);
        const kept = after.filter((part) => before.has(part)).length;
        keptCounts.push(kept / after.length);
      }
    }
    const mean = keptCounts.reduce((sum, share) => sum + share, 0) / keptCounts.length;
    expect(before.size).toBeGreaterThan(50);
    // The changed part and the last, with the index, always differ: 2 of about 60.
    expect(mean).toBeGreaterThan(0.93);
    expect(Math.min(...keptCounts)).toBeGreaterThan(0.6);
  });

  it('refuses a largest size that a block does not fit into', () => {
    const layout = layOut([fakeBlock('a', 500), fakeBlock('b', 900), fakeBlock('c', 500)]);
    expect(() => cutParts(layout, 800)).toThrow(RangeError);
  });
});

describe('sliceLayout', () => {
  it('refuses ends that are not ends of extents', () => {
    const layout = layOut([fakeBlock('a', 500), fakeBlock('b', 900)]);
    expect(sliceLayout(layout, 0, 512)).toMatchObject({ size: 512 });
    expect(sliceLayout(layout, 512, 1412).extents).toMatchObject([{ start: 0, length: 900 }]);
    for (const [start, end] of [
      [0, 511],
      [1, 512],
      [512, 600],
      [0, layout.size + 1],
      [-1, 12],
    ] as const) {
      expect(() => sliceLayout(layout, start, end)).toThrow(RangeError);
    }
  });
});

function insertAt(blocks: readonly BlockRecord[], place: number): BlockRecord[] {
  return [...blocks.slice(0, place), fakeBlock(`inserted ${place}`, 731), ...blocks.slice(place)];
}

function removeAt(blocks: readonly BlockRecord[], place: number): BlockRecord[] {
  return [...blocks.slice(0, place), ...blocks.slice(place + 1)];
}

function replaceAt(blocks: readonly BlockRecord[], place: number): BlockRecord[] {
  return removeAt(insertAt(blocks, place), place + 1);
}
