/** Stream header, index and stream footer: what the real xz writes and takes. */
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BundleError } from '../../../src/ground/errors.ts';
import { encodeIndex, parseIndex } from '../../../src/format/xz/index-field.ts';
import { encodeStreamFooter, parseStreamFooter } from '../../../src/format/xz/stream-footer.ts';
import { encodeStreamHeader, isXz, parseStreamHeader } from '../../../src/format/xz/stream-header.ts';
import { compress, isAcceptedByXz } from './xz-fixture.ts';

const checks = ['crc32', 'crc64', 'sha256'] as const;

function codeOf(work: () => unknown): string {
  try {
    return `not refused: ${JSON.stringify(work())}`;
  } catch (error) {
    return error instanceof BundleError ? error.code : `not a BundleError: ${String(error)}`;
  }
}

function emptyStream(check: (typeof checks)[number]): Buffer {
  const index = encodeIndex([]);
  return Buffer.concat([encodeStreamHeader(check), index, encodeStreamFooter(check, index.length)]);
}

describe.each(checks)('a stream with %s', (check) => {
  test('without blocks is what xz makes of nothing, and xz takes it', () => {
    expect(emptyStream(check)).toEqual(compress('', `--check=${check}`));
    expect(isAcceptedByXz(emptyStream(check))).toBe(true);
  });

  test('has a header and a footer that read back', () => {
    expect(parseStreamHeader(encodeStreamHeader(check), 0)).toBe(check);
    expect(parseStreamFooter(encodeStreamFooter(check, 2 ** 34), 0)).toEqual({ check, indexSize: 2 ** 34 });
  });

  test('has no byte in header, index and footer that may change', () => {
    const [header, index, footer] = [
      encodeStreamHeader(check),
      encodeIndex([]),
      encodeStreamFooter(check, 8),
    ];
    const flips = (bytes: Uint8Array, parse: (bytes: Uint8Array) => unknown): void => {
      for (let position = 0; position < bytes.length * 8; position += 1) {
        const damaged = Buffer.from(bytes);
        damaged.writeUInt8(damaged.readUInt8(position >> 3) ^ (1 << (position & 7)), position >> 3);
        expect(codeOf(() => parse(damaged))).toBe('xz-corrupt');
      }
    };
    flips(header, (bytes) => parseStreamHeader(bytes, 0));
    flips(index, (bytes) => parseIndex(bytes, 0));
    flips(footer, (bytes) => parseStreamFooter(bytes, 0));
  });
});

describe('stream flags', () => {
  test('name checks that bundles never have', () => {
    expect(parseStreamHeader(compress('', '--check=none').subarray(0, 12), 0)).toBe('none');
    expect(parseStreamHeader(withFlags(0x00, 0x0f), 0)).toBe('reserved-15');
  });

  test('with reserved bits are unsupported, not corrupt', () => {
    expect(codeOf(() => parseStreamHeader(withFlags(0x00, 0x11), 0))).toBe('xz-unsupported');
    expect(codeOf(() => parseStreamHeader(withFlags(0x01, 0x01), 0))).toBe('xz-unsupported');
  });
});

describe('the index', () => {
  test('reads back, for any sizes', () => {
    const record = fc.record({
      unpaddedSize: fc.maxSafeNat().map((n) => Math.max(5, n)),
      uncompressedSize: fc.maxSafeNat(),
    });
    fc.assert(
      fc.property(fc.array(record, { maxLength: 300 }), (records) => {
        const index = encodeIndex(records);
        expect(index.length % 4).toBe(0);
        expect(parseIndex(index, 0)).toEqual(records);
      }),
    );
  });

  test('is byte for byte what xz writes', () => {
    const bytes = compress(Buffer.alloc(100_000, 'abc'), '--block-size=7000');
    const { indexSize } = parseStreamFooter(bytes.subarray(-12), 0);
    const index = bytes.subarray(-12 - indexSize, -12);
    const records = parseIndex(index, 0);
    expect(records).toHaveLength(15);
    expect(Buffer.from(encodeIndex(records))).toEqual(index);
  });

  test('that lies is refused', () => {
    const reseal = (index: Uint8Array): Uint8Array => sealed(index.subarray(0, -4));
    const good = encodeIndex([{ unpaddedSize: 300, uncompressedSize: 9 }]); // 00 01 ac 02 09 00 00 00
    expect(parseIndex(reseal(good), 0)).toHaveLength(1);
    const lies: [number, number][] = [
      [0, 1], // no index
      [1, 2], // more records than there are
      [1, 0x7f], // very many more
      [1, 0], // fewer records
      [2, 4], // a block of four bytes
      [5, 1], // padding that is none
    ];
    for (const [position, value] of lies) {
      const bad = Buffer.from(good);
      bad.writeUInt8(value, position);
      expect([position, value, codeOf(() => parseIndex(reseal(bad), 0))]).toEqual([
        position,
        value,
        'xz-corrupt',
      ]);
    }
    expect(codeOf(() => parseIndex(good.subarray(0, 4), 0))).toBe('xz-corrupt');
    const endless = [0x00, 0x01, 0x05, 0x80, 0x80, 0x80, 0x80, 0x80];
    expect(codeOf(() => parseIndex(sealed(Uint8Array.from(endless)), 0))).toBe('xz-corrupt');
    const huge = [0x00, 0x01, 0x05, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10, 0x00];
    expect(codeOf(() => parseIndex(sealed(Uint8Array.from(huge)), 0))).toBe('xz-unsupported');
  });

  test('refuses sizes that no block has', () => {
    expect(() => encodeIndex([{ unpaddedSize: 4, uncompressedSize: 0 }])).toThrow(RangeError);
    expect(() => encodeIndex([{ unpaddedSize: 8, uncompressedSize: 2 ** 53 }])).toThrow(RangeError);
  });
});

test('encodeStreamFooter refuses sizes that no index has', () => {
  for (const size of [0, 7, 2 ** 34 + 4]) expect(() => encodeStreamFooter('crc64', size)).toThrow(RangeError);
});

test('isXz knows the magic bytes', () => {
  expect(isXz(compress(''))).toBe(true);
  expect(isXz(compress('').subarray(0, 5))).toBe(false);
  expect(isXz(Buffer.from('fd377a585a01', 'hex'))).toBe(false);
});

/** `bytes` with their CRC32 behind them. */
function sealed(bytes: Uint8Array): Buffer {
  const crc = Buffer.alloc(4);
  crc.writeUInt32LE(crc32(bytes));
  return Buffer.concat([bytes, crc]);
}

function withFlags(...flags: readonly number[]): Buffer {
  return Buffer.concat([encodeStreamHeader('crc32').subarray(0, 6), sealed(Uint8Array.from(flags))]);
}
