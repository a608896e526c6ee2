/** The Stream Header (.xz 1.2.1 §2.1.1): magic bytes, stream flags and their CRC32. */
import { crc32 } from 'node:zlib';
import {
  type CheckName,
  encodeStreamFlags,
  parseStreamFlags,
  streamFlagsSize,
  type XzCheck,
} from './stream-flags.ts';
import { xzError } from './vli.ts';

export const streamHeaderSize = 12;

const magic = Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00);

/** Whether `bytes` start as a .xz file does. */
export function isXz(bytes: Uint8Array): boolean {
  return bytes.length >= magic.length && magic.every((byte, index) => bytes[index] === byte);
}

/** The 12 bytes that start a stream. */
export function encodeStreamHeader(check: CheckName): Uint8Array {
  const header = Buffer.alloc(streamHeaderSize);
  const flags = encodeStreamFlags(check);
  header.set(magic, 0);
  header.set(flags, magic.length);
  header.writeUInt32LE(crc32(flags), magic.length + streamFlagsSize);
  return header;
}

/** The check named by the 12 `bytes`, which stand at byte `position` of the file. Throws xz-corrupt or xz-unsupported. */
export function parseStreamHeader(bytes: Uint8Array, position: number): XzCheck {
  const header = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (header.length !== streamHeaderSize)
    throw new RangeError(`A stream header has ${streamHeaderSize} bytes`);
  if (!isXz(header)) throw xzError('xz-corrupt', 'stream header', position, 'it has other magic bytes');
  const flags = header.subarray(magic.length, magic.length + streamFlagsSize);
  if (crc32(flags) !== header.readUInt32LE(magic.length + streamFlagsSize)) {
    throw xzError('xz-corrupt', 'stream header', position, 'its CRC32 does not match');
  }
  return parseStreamFlags(flags, position + magic.length);
}
