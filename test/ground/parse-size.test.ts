import { describe, expect, it } from 'vitest';
import { mediaPartSizes } from '../../src/product/stick/media.ts';
import { findSize } from '../../src/ground/parse-size.ts';

describe('findSize', () => {
  it('takes K, M and G as powers of 1024, and KB, MB and GB as powers of 1000', () => {
    const sizes = ['4095M', '1.5GB', '700 MiB', '2g', '10kb', '20000000', '3 T', '17B'].map(findSize);
    expect(sizes).toEqual([
      4095 * 2 ** 20,
      1.5e9,
      700 * 2 ** 20,
      2 ** 31,
      10_000,
      20_000_000,
      3 * 2 ** 40,
      17,
    ]);
  });

  it('takes nothing else', () => {
    for (const text of ['', 'M', '-1M', '1e3', '1,5G', '4095MX', '0x10', '9999999T', '1 M B', 'Infinity']) {
      expect(findSize(text)).toBeUndefined();
    }
  });
});

describe('mediaPartSizes', () => {
  it('keeps to what the media hold', () => {
    expect(mediaPartSizes.fat32).toBe(4_294_967_295);
    expect(mediaPartSizes.cd).toBeLessThan(360_000 * 2048);
    expect(mediaPartSizes.dvd).toBeLessThan(2_295_104 * 2048);
  });
});
