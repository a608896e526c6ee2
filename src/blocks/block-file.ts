/** The format of a stored block: its bytes as they stand in a bundle, then a trailer that holds its record (docs/format.md, "Block files"). */
import { crc32 } from 'node:zlib';
import { findDigestOfHex } from '../digest.ts';
import { type BlockKey, type BlockRecord, storedSize } from './block-record.ts';

const magic = Buffer.from('bfsblk2\n');

/** Of trailers whose CRC32 leaves the key out: a file under another block's name cannot be told by them. */
const keylessMagic = Buffer.from('bfsblk1\n');

/** Bytes of the trailer: magic 8, unpadded size 8, uncompressed size 8, sha256 32, CRC64 8, CRC32 of those and the key 4. All little-endian. */
export const trailerSize = 68;

/** The trailer for `record`. */
export function encodeTrailer(record: BlockRecord): Buffer {
  const bytes = Buffer.alloc(trailerSize);
  magic.copy(bytes, 0);
  bytes.writeBigUInt64LE(BigInt(record.unpaddedSize), 8);
  bytes.writeBigUInt64LE(BigInt(record.uncompressedSize), 16);
  bytes.write(record.digest.slice('sha256:'.length), 24, 'hex');
  bytes.writeBigUInt64LE(BigInt(`0x${record.crc64}`), 56);
  bytes.writeUInt32LE(crc32(record.key, crc32(bytes.subarray(0, 64))), 64);
  return bytes;
}

/** The record in `trailer` of a block file of `fileSize` bytes, or undefined where either is damaged, or is another block's. */
export function findRecordInTrailer(
  key: BlockKey,
  trailer: Buffer,
  fileSize: number,
): BlockRecord | undefined {
  if (trailer.length !== trailerSize || trailer.readUInt32LE(64) !== findCheck(key, trailer))
    return undefined;
  const digest = findDigestOfHex(trailer.toString('hex', 24, 56));
  if (digest === undefined) return undefined;
  const record = {
    key,
    unpaddedSize: Number(trailer.readBigUInt64LE(8)),
    uncompressedSize: Number(trailer.readBigUInt64LE(16)),
    digest,
    crc64: trailer.readBigUInt64LE(56).toString(16).padStart(16, '0'),
  };
  return storedSize(record) + trailerSize === fileSize ? record : undefined;
}

/** What the CRC32 of `trailer` must be in the file of the block `key`; undefined where it is no trailer. */
function findCheck(key: BlockKey, trailer: Buffer): number | undefined {
  const check = crc32(trailer.subarray(0, 64));
  if (trailer.subarray(0, 8).equals(magic)) return crc32(key, check);
  return trailer.subarray(0, 8).equals(keylessMagic) ? check : undefined;
}
