/** Variable-length integers: every number and only its shortest form. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readVli, vliSize, writeVli } from '../../../src/format/xz/vli.ts';

const numbers = fc.oneof(
  fc.maxSafeNat(),
  fc.nat(300),
  fc.nat(54).map((bits) => 2 ** Math.min(bits, 52)),
);

function encode(value: number): Uint8Array {
  const bytes = new Uint8Array(vliSize(value));
  expect(writeVli(bytes, 0, value)).toBe(bytes.length);
  return bytes;
}

describe('variable-length integers', () => {
  test('come back as they were written, wherever they stand', () => {
    fc.assert(
      fc.property(numbers, fc.nat(5), (value, position) => {
        const bytes = new Uint8Array(position + vliSize(value) + 1).fill(0xff);
        const end = writeVli(bytes, position, value);
        const cursor = { position };
        expect(readVli(bytes, cursor)).toBe(value);
        expect(cursor.position).toBe(end);
        expect(bytes[end]).toBe(0xff);
      }),
    );
  });

  test.each([
    [0, [0x00]],
    [127, [0x7f]],
    [128, [0x80, 0x01]],
    [300, [0xac, 0x02]],
    [16383, [0xff, 0x7f]],
    [16384, [0x80, 0x80, 0x01]],
    [2 ** 32, [0x80, 0x80, 0x80, 0x80, 0x10]],
    [Number.MAX_SAFE_INTEGER, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]],
  ])('write %d as the specification has it', (value, bytes) => {
    expect([...encode(value)]).toEqual(bytes);
  });

  test('agree with the specification, whose C code is done here with BigInt', () => {
    fc.assert(
      fc.property(numbers, (value) => {
        const expected: number[] = [];
        let rest = BigInt(value);
        for (; rest >= 0x80n; rest >>= 7n) expected.push(Number(rest & 0x7fn) | 0x80);
        expect([...encode(value)]).toEqual([...expected, Number(rest)]);
      }),
    );
  });

  test('are refused where the bytes end first, or the limit comes first', () => {
    expect(readVli(new Uint8Array(0), { position: 0 })).toBe('truncated');
    expect(readVli(Uint8Array.of(0x80), { position: 0 })).toBe('truncated');
    expect(readVli(Uint8Array.of(0x80, 0x01), { position: 0 }, 1)).toBe('truncated');
    expect(readVli(Uint8Array.of(1), { position: 0 }, 9)).toBe(1);
    expect(readVli(Uint8Array.of(1), { position: 7 }, 9)).toBe('truncated');
  });

  test('are refused in any form but the shortest, and beyond nine bytes', () => {
    expect(readVli(Uint8Array.of(0x80, 0x00), { position: 0 })).toBe('corrupt');
    expect(readVli(new Uint8Array(20).fill(0x80), { position: 0 })).toBe('corrupt');
    expect(readVli(new Uint8Array(20).fill(0xff), { position: 0 })).toBe('corrupt');
  });

  test('beyond a safe integer are told apart from damage', () => {
    const largest = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f);
    expect(readVli(largest, { position: 0 })).toBe('too-large');
    const next = Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10);
    expect(readVli(next, { position: 0 })).toBe('too-large');
  });

  test('refuse numbers that are no sizes, and targets without room', () => {
    for (const value of [-1, 0.5, NaN, 2 ** 53]) expect(() => vliSize(value)).toThrow(RangeError);
    expect(() => writeVli(new Uint8Array(1), 0, 128)).toThrow(RangeError);
  });
});
