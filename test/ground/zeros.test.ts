/** findNonZero, findLastNonZero and isZero: what a plain look at each byte says. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { findLastNonZero, findNonZero, isZero } from '../../src/ground/zeros.ts';

/** Zeros longer than what is compared at once, with a few other bytes among them. */
const mostlyZeros = fc
  .record({
    length: fc.oneof(fc.nat(40), fc.nat(200_000), fc.constantFrom(65_535, 65_536, 65_537, 131_072)),
    places: fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 1, max: 255 })), {
      maxLength: 3,
    }),
  })
  .map(({ length, places }) => {
    const bytes = new Uint8Array(length);
    for (const [share, value] of places) {
      if (length > 0) bytes[Math.min(length - 1, Math.floor(share * length))] = value;
    }
    return bytes;
  });

test('the first and the last byte that is not zero are those that a look at each byte finds', () => {
  fc.assert(
    fc.property(mostlyZeros, (bytes) => {
      expect(findNonZero(bytes)).toBe(bytes.findIndex((byte) => byte !== 0));
      expect(findLastNonZero(bytes)).toBe(bytes.findLastIndex((byte) => byte !== 0));
      expect(isZero(bytes)).toBe(bytes.every((byte) => byte === 0));
    }),
    { numRuns: 60 },
  );
});
