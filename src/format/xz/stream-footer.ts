/** The Stream Footer (.xz 1.2.1 §2.1.2): CRC32, size of the index, stream flags and magic bytes. */
import { crc32 } from 'node:zlib';
import {
  type CheckName,
  encodeStreamFlags,
  parseStreamFlags,
  streamFlagsSize,
  type XzCheck,
} from './stream-flags.ts';
import { xzError } from './vli.ts';

export const streamFooterSize = 12;

/** What the footer says of its stream. */
export interface StreamFooter {
  readonly check: XzCheck;
  /** Bytes of the index, which ends where the footer starts. */
  readonly indexSize: number;
}

const flagsPosition = 8;
const magicPosition = flagsPosition + streamFlagsSize;
const magic = 'YZ';

/** Whether the 12 `bytes` end as a footer does (§2.1.2.4): the quick way to see that a file is cut short. */
export function hasFooterMagic(bytes: Uint8Array): boolean {
  return (
    bytes.length === streamFooterSize && bytes[magicPosition] === 0x59 && bytes[magicPosition + 1] === 0x5a
  );
}

/**
 * The 12 bytes that end a stream whose index has `indexSize` bytes: a multiple of four, from 4 to 2^34. They are stored
 * as `indexSize / 4 - 1` (§2.1.2.2): 8, the index of no blocks, is stored as 1. Throws RangeError.
 */
export function encodeStreamFooter(check: CheckName, indexSize: number): Uint8Array {
  if (indexSize % 4 !== 0 || indexSize < 4 || indexSize > 2 ** 34) {
    throw new RangeError(`An index cannot have ${indexSize} bytes`);
  }
  const footer = Buffer.alloc(streamFooterSize);
  footer.writeUInt32LE(indexSize / 4 - 1, 4);
  footer.set(encodeStreamFlags(check), flagsPosition);
  footer.write(magic, magicPosition, 'latin1');
  footer.writeUInt32LE(crc32(footer.subarray(4, magicPosition)), 0);
  return footer;
}

/** What the 12 `bytes` say, which stand at byte `position` of the file. Throws xz-corrupt or xz-unsupported. */
export function parseStreamFooter(bytes: Uint8Array, position: number): StreamFooter {
  const footer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (footer.length !== streamFooterSize)
    throw new RangeError(`A stream footer has ${streamFooterSize} bytes`);
  if (!hasFooterMagic(footer))
    throw xzError('xz-corrupt', 'stream footer', position, 'it has other magic bytes');
  if (crc32(footer.subarray(4, magicPosition)) !== footer.readUInt32LE(0)) {
    throw xzError('xz-corrupt', 'stream footer', position, 'its CRC32 does not match');
  }
  const check = parseStreamFlags(footer.subarray(flagsPosition, magicPosition), position + flagsPosition);
  return { check, indexSize: (footer.readUInt32LE(4) + 1) * 4 };
}
