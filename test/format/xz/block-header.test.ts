/** parseBlockHeader: headers of the real xz, with every setting that shows in them. */
import { crc32 } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { BundleError } from '../../../src/ground/errors.ts';
import { findBlockHeaderSize, lzma2Id, parseBlockHeader } from '../../../src/format/xz/block-header.ts';
import { compress, lines } from './xz-fixture.ts';

const content = lines(2000);

function headerOf(...options: readonly string[]): Buffer {
  return compress(content, ...options).subarray(12);
}

/** A header of these bytes, padded to `size` and with its CRC32. */
function craft(size: number, ...fields: readonly number[]): Buffer {
  const header = Buffer.alloc(size);
  header.set([size / 4 - 1, ...fields]);
  header.writeUInt32LE(crc32(header.subarray(0, size - 4)), size - 4);
  return header;
}

function codeOf(bytes: Uint8Array): string {
  try {
    return `not refused: ${JSON.stringify(parseBlockHeader(bytes, 12))}`;
  } catch (error) {
    return error instanceof BundleError ? error.code : `not a BundleError: ${String(error)}`;
  }
}

describe('parseBlockHeader', () => {
  test('reads a header without sizes', () => {
    const { size, filters, ...sizes } = parseBlockHeader(headerOf('-T1'), 12);
    expect(size).toBe(12);
    expect(filters.map(({ id }) => id)).toEqual([lzma2Id]);
    expect(sizes).toEqual({ dictionarySize: 4 * 1024 * 1024 });
  });

  test('reads a header with sizes', () => {
    const bytes = headerOf('-T2', '--block-size=1000000');
    const header = parseBlockHeader(bytes, 12);
    expect(header.uncompressedSize).toBe(content.length);
    // what follows the data: its padding, a check of 8 bytes, an index of 12 and a footer of 12
    const rest = bytes.length - header.size - (header.compressedSize ?? 0);
    expect(rest).toBeGreaterThanOrEqual(8 + 12 + 12);
    expect(rest).toBeLessThan(8 + 12 + 12 + 4);
  });

  test.each([
    ['4KiB', 4096],
    ['6KiB', 6144],
    ['8MiB', 8 * 1024 ** 2],
    ['1536MiB', 1536 * 1024 ** 2],
  ])('reads a dictionary of %s', (dictionary, size) => {
    const header = parseBlockHeader(headerOf(`--lzma2=preset=0,dict=${dictionary}`), 12);
    expect(header.dictionarySize).toBe(size);
  });

  test('reads filters before LZMA2', () => {
    const { filters } = parseBlockHeader(headerOf('--x86', '--delta=dist=4', '--lzma2=preset=1'), 12);
    expect(filters.map(({ id, properties }) => [id, [...properties]])).toEqual([
      [0x04, []],
      [0x03, [3]],
      [lzma2Id, [16]],
    ]);
  });

  test('refuses every flipped bit, and every truncation', () => {
    const header = headerOf('-T2').subarray(0, 20);
    for (let bit = 0; bit < parseBlockHeader(header, 12).size * 8; bit += 1) {
      const damaged = Buffer.from(header);
      damaged.writeUInt8(damaged.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(['xz-corrupt', 'xz-truncated']).toContain(codeOf(damaged));
    }
    for (let size = 0; size < header.length; size += 1) {
      expect(codeOf(header.subarray(0, size))).toBe('xz-truncated');
    }
  });

  test('refuses headers that lie, and tells damage from what is newer', () => {
    expect(codeOf(craft(12, 0x00, 0x21, 1, 22))).toMatch(/^not refused/);
    expect(codeOf(Buffer.alloc(12))).toBe('xz-corrupt'); // an index
    expect(codeOf(craft(12, 0x04, 0x21, 1, 22))).toBe('xz-unsupported'); // a reserved bit
    expect(codeOf(craft(12, 0x00, 0x21, 1, 22, 7))).toBe('xz-unsupported'); // padding that is none
    expect(codeOf(craft(12, 0x00, 0x21, 1, 41))).toBe('xz-unsupported'); // a dictionary beyond 4 GiB
    expect(codeOf(craft(12, 0x00, 0x21, 0))).toBe('xz-unsupported'); // no dictionary
    expect(codeOf(craft(12, 0x00, 0x21, 9, 22))).toBe('xz-corrupt'); // properties beyond the header
    expect(codeOf(craft(12, 0x40, 0x00, 0x21, 1, 22))).toBe('xz-corrupt'); // compressed size 0
    expect(codeOf(craft(8, 0x03, 0x80))).toBe('xz-corrupt'); // a number that goes into the CRC32
    const huge = Array.from({ length: 8 }, () => 0xff);
    expect(codeOf(craft(20, 0x80, ...huge, 0x7f, 0x21, 1, 22))).toBe('xz-unsupported'); // 2^63 - 1 bytes
  });
});

test('findBlockHeaderSize knows the size by the first byte', () => {
  expect([0, 1, 2, 255].map(findBlockHeaderSize)).toEqual([undefined, 8, 12, 1024]);
});
