/** The Block Header (.xz 1.2.1 §3.1), read only: our encoder writes its own. */
import { crc32 } from 'node:zlib';
import { type Cursor, readVli, xzError } from './vli.ts';

/** One Filter Flags field (§3.1.5). */
export interface XzFilter {
  readonly id: number;
  readonly properties: Uint8Array;
}

export interface BlockHeader {
  /** Bytes of the header, its CRC32 included. */
  readonly size: number;
  /** Bytes of the compressed data, where the header says. Without it, xz decodes on one thread only. */
  readonly compressedSize?: number;
  /** Bytes of the content, where the header says. */
  readonly uncompressedSize?: number;
  /** One to four, in the order in which an encoder applies them. */
  readonly filters: readonly XzFilter[];
  /** Bytes of the LZMA2 dictionary (§5.3.1), where the last filter is LZMA2. */
  readonly dictionarySize?: number;
}

/** The filter that every block ends with (§5.3.1). */
export const lzma2Id = 0x21;

const crcSize = 4;

/** Bytes of the header that starts with `firstByte` (§3.1.1): 2 gives 12. Undefined for 0, which starts an index (§4.1). */
export function findBlockHeaderSize(firstByte: number): number | undefined {
  return firstByte === 0 ? undefined : (firstByte + 1) * 4;
}

/**
 * Reads the header that `bytes`, which may go on behind it, start with, and which stands at byte `position` of the file.
 * Throws xz-truncated where `bytes` end in it, xz-corrupt or xz-unsupported.
 */
export function parseBlockHeader(bytes: Uint8Array, position: number): BlockHeader {
  const fault = (code: 'xz-corrupt' | 'xz-truncated' | 'xz-unsupported', found: string): Error =>
    xzError(code, 'block header', position, found);
  const [firstByte] = bytes;
  if (firstByte === undefined) throw fault('xz-truncated', 'the bytes end there');
  const size = findBlockHeaderSize(firstByte);
  if (size === undefined) throw fault('xz-corrupt', 'an index starts there');
  if (bytes.length < size)
    throw fault('xz-truncated', `it has ${size} bytes, only ${bytes.length} are there`);
  const header = Buffer.from(bytes.buffer, bytes.byteOffset, size);
  const end = size - crcSize;
  if (crc32(header.subarray(0, end)) !== header.readUInt32LE(end)) {
    throw fault('xz-corrupt', 'its CRC32 does not match');
  }

  const flags = header.readUInt8(1);
  if ((flags & 0x3c) !== 0) throw fault('xz-unsupported', 'bits are set that this version does not know');
  const cursor: Cursor = { position: 2 };
  const takeNumber = (what: string): number => {
    const value = readVli(header, cursor, end);
    if (typeof value === 'number') return value;
    throw value === 'too-large'
      ? fault('xz-unsupported', `${what} is beyond 2^53`)
      : fault('xz-corrupt', `${what} is not a number`);
  };
  const compressedSize = (flags & 0x40) === 0 ? undefined : takeNumber('the compressed size');
  if (compressedSize === 0) throw fault('xz-corrupt', 'the compressed size is 0');
  const uncompressedSize = (flags & 0x80) === 0 ? undefined : takeNumber('the uncompressed size');
  const filters: XzFilter[] = [];
  for (let count = (flags & 0x03) + 1; count > 0; count -= 1) {
    const id = takeNumber('a filter id');
    const propertiesSize = takeNumber('the size of filter properties');
    const propertiesEnd = cursor.position + propertiesSize;
    if (propertiesEnd > end) throw fault('xz-corrupt', 'filter properties go beyond it');
    filters.push({ id, properties: header.subarray(cursor.position, propertiesEnd) });
    cursor.position = propertiesEnd;
  }
  if (header.subarray(cursor.position, end).some((byte) => byte !== 0)) {
    throw fault('xz-unsupported', 'there are fields in it that this version does not know');
  }
  const last = filters.at(-1);
  const dictionarySize = last?.id === lzma2Id ? findDictionarySize(last.properties) : undefined;
  if (last?.id === lzma2Id && dictionarySize === undefined) {
    throw fault('xz-unsupported', 'its LZMA2 properties are not known to this version');
  }
  return {
    size,
    filters,
    ...(compressedSize === undefined ? {} : { compressedSize }),
    ...(uncompressedSize === undefined ? {} : { uncompressedSize }),
    ...(dictionarySize === undefined ? {} : { dictionarySize }),
  };
}

/** §5.3.1: a one-bit mantissa and a five-bit exponent. 0 is 4 KiB, 1 is 6 KiB, 22 is 8 MiB, 40 is 4 GiB - 1. */
function findDictionarySize(properties: Uint8Array): number | undefined {
  const [bits] = properties;
  if (bits === undefined || properties.length !== 1 || bits > 40) return undefined;
  return bits === 40 ? 2 ** 32 - 1 : (2 + (bits % 2)) * 2 ** (Math.floor(bits / 2) + 11);
}
