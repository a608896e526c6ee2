import { describe, expect, it } from 'vitest';
import { formatCount, formatDuration, formatSize, formatTable } from '../../src/ground/format-text.ts';

describe('formatSize', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1500, '1.5 kB'],
    [999_999, '1.0 MB'],
    [162_321_872, '162 MB'],
    [21e9, '21.0 GB'],
  ])('writes %d as %s', (size, text) => {
    expect(formatSize(size)).toBe(text);
  });
});

describe('formatDuration', () => {
  it.each([
    [0.44, '0.4 s'],
    [12.2, '12 s'],
    [185, '3:05'],
    [3765, '1:02:45'],
  ])('writes %d seconds as %s', (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });
});

describe('formatCount', () => {
  it('has a plural', () => {
    expect([formatCount(1, 'block'), formatCount(2, 'block')]).toEqual(['1 block', '2 blocks']);
  });
});

describe('formatTable', () => {
  it('aligns columns, those marked > to the right', () => {
    expect(
      formatTable(
        ['name', '>size'],
        [
          ['a', '1'],
          ['long', '100'],
        ],
      ),
    ).toEqual(['name  size', 'a        1', 'long   100']);
  });
});
