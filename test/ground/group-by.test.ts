import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { groupBy } from '../../src/ground/group-by.ts';
import { appendAll, largestOf } from '../../src/ground/long-lists.ts';

/** More than a call takes arguments. */
const many = Array.from({ length: 1_000_000 }, (_, index) => index);

describe('groupBy', () => {
  it('has every item once, in its order, with those of its key, which come in the order of their first item', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -9, max: 9 })), (items) => {
        const groups = [...groupBy(items, (item) => item % 4)];
        const keys = [...new Set(items.map((item) => item % 4))];
        expect(groups).toEqual(keys.map((key) => [key, items.filter((item) => item % 4 === key)]));
      }),
    );
  });

  it('takes a million items of one key', () => {
    expect(groupBy(many, () => 'all').get('all')).toHaveLength(many.length);
  });
});

describe('long lists', () => {
  it('are appended whole, and searched whole', () => {
    const target = [-1];
    appendAll(target, many);
    expect([target.length, target.at(-1)]).toEqual([many.length + 1, many.at(-1)]);
    expect(largestOf(many)).toBe(many.length - 1);
    expect([largestOf([], 3), largestOf([2], 3), largestOf([4], 3), largestOf([])]).toEqual([
      3,
      3,
      4,
      -Infinity,
    ]);
  });
});
