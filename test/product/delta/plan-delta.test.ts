import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { storedSize } from '../../../src/plan/layout/block-record.ts';
import { type BaseBlock, type DeltaPlan, planDelta } from '../../../src/product/delta/plan-delta.ts';
import type { Layout } from '../../../src/plan/layout/extent.ts';
import { fakeBlock, layOut } from '../../plan/layout/part-layouts.ts';

/** Block number n of all that there are: always of the same size and bytes. */
const blockOf = (n: number): ReturnType<typeof fakeBlock> => fakeBlock(`block ${n}`, 8 + ((n * 37) % 90));

/** What stands in a bundle of fake blocks: bytes of its frame, and for a block bytes that tell it. */
function bytesOf({ size, extents }: Layout): Buffer {
  const bytes = Buffer.alloc(size);
  for (const extent of extents) {
    if (extent.kind === 'memory') bytes.set(extent.bytes, extent.start);
    else bytes.fill(extent.record.key, extent.start, extent.start + extent.length);
  }
  return bytes;
}

function blocksOf({ extents }: Layout): BaseBlock[] {
  return extents.flatMap((extent) =>
    extent.kind === 'block'
      ? [{ start: extent.start, size: extent.length, digest: extent.record.digest }]
      : [],
  );
}

function rebuild({ targets, own }: DeltaPlan, base: Buffer): Buffer[] {
  const ownBytes = bytesOf(own);
  return targets.map(({ steps }) =>
    Buffer.concat(
      steps.map(({ source, start, length }) =>
        (source === 'base' ? base : ownBytes).subarray(start, start + length),
      ),
    ),
  );
}

const numbers = fc.array(fc.nat(30), { maxLength: 40 });

describe('planDelta', () => {
  it('gives steps that rebuild each file from the base and from what it brings', () => {
    fc.assert(
      fc.property(numbers, fc.array(numbers, { minLength: 1, maxLength: 3 }), (before, after) => {
        const base = layOut(before.map(blockOf));
        const layouts = after.map((each) => layOut(each.map(blockOf)));
        const targets = layouts.map(({ extents }, index) => ({ name: `file ${index}`, extents }));
        const plan = planDelta(targets, blocksOf(base));
        expect(rebuild(plan, bytesOf(base))).toEqual(layouts.map(bytesOf));
        expect(plan.targets.map(({ size }) => size)).toEqual(layouts.map(({ size }) => size));
      }),
    );
  });

  it('brings each block that the base lacks once, and none that it has', () => {
    fc.assert(
      fc.property(numbers, numbers, (before, after) => {
        const plan = planDelta(
          [{ name: 'a', extents: layOut(after.map(blockOf)).extents }],
          blocksOf(layOut(before.map(blockOf))),
        );
        const brought = plan.own.extents.flatMap((one) => (one.kind === 'block' ? [one.record.key] : []));
        const lacking = new Set(after.filter((n) => !before.includes(n)).map((n) => blockOf(n).key));
        expect(brought.length).toBe(lacking.size);
        expect(new Set(brought)).toEqual(lacking);
      }),
    );
  });

  it('makes one step of what lies together in the same place, also where a block is there several times', () => {
    const base = layOut([1, 2, 9, 2, 3, 4].map(blockOf));
    const wanted = layOut([2, 3, 4].map(blockOf));
    const { targets } = planDelta([{ name: 'a', extents: wanted.extents }], blocksOf(base));
    const size = [2, 3, 4].reduce((sum, n) => sum + storedSize(blockOf(n)), 0);
    // A step for the first 2, which nothing comes before, and one for all behind it.
    expect(targets[0]?.steps.filter(({ source }) => source === 'base').length).toBeLessThanOrEqual(2);
    const again = planDelta([{ name: 'a', extents: base.extents }], blocksOf(base));
    expect(again.targets[0]?.steps.map(({ source }) => source)).toEqual(['own', 'base', 'own']);
    expect(again.ownBlockCount).toBe(0);
    expect(size).toBe(
      targets[0]?.steps.reduce((sum, { source, length }) => (source === 'base' ? sum + length : sum), 0),
    );
  });
});
