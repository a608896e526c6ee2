/** The format of a stored block or frame: its bytes as they stand in a bundle, then a trailer that holds its record (docs/format.md, "Block files"). */
import { crc32 } from 'node:zlib';
import { findDigestOfHex } from '../ground/digest.ts';
import { blockForm, type BlockKey, type BlockRecord, type StoredForm } from '../plan/layout/block-record.ts';

/** Bytes of the trailer: magic 8, unpadded size 8, uncompressed size 8, sha256 32, CRC64 8, CRC32 of those and the key 4. All little-endian. */
export const trailerSize = 68;

/** The trailer for `record`. */
export function encodeTrailer(record: BlockRecord, { magic }: StoredForm = blockForm): Buffer {
  const bytes = Buffer.alloc(trailerSize);
  bytes.write(magic, 'latin1');
  bytes.writeBigUInt64LE(BigInt(record.unpaddedSize), 8);
  bytes.writeBigUInt64LE(BigInt(record.uncompressedSize), 16);
  bytes.write(record.digest.slice('sha256:'.length), 24, 'hex');
  bytes.writeBigUInt64LE(BigInt(`0x${record.crc64}`), 56);
  bytes.writeUInt32LE(checkOf(record.key, bytes), 64);
  return bytes;
}

/** The record in `trailer` of a block file of `fileSize` bytes, or undefined where either is damaged, or is another block's. */
export function findRecordInTrailer(
  key: BlockKey,
  trailer: Buffer,
  fileSize: number,
  { magic, sizeOf }: StoredForm = blockForm,
): BlockRecord | undefined {
  if (trailer.length !== trailerSize || trailer.toString('latin1', 0, 8) !== magic) return undefined;
  if (trailer.readUInt32LE(64) !== checkOf(key, trailer)) return undefined;
  const digest = findDigestOfHex(trailer.toString('hex', 24, 56));
  if (digest === undefined) return undefined;
  const record = {
    key,
    unpaddedSize: Number(trailer.readBigUInt64LE(8)),
    uncompressedSize: Number(trailer.readBigUInt64LE(16)),
    digest,
    crc64: trailer.readBigUInt64LE(56).toString(16).padStart(16, '0'),
  };
  return sizeOf(record) + trailerSize === fileSize ? record : undefined;
}

/** The CRC32 in the trailer of the block `key`: the file of another block, under this one's name, has another. */
function checkOf(key: BlockKey, trailer: Buffer): number {
  return crc32(key, crc32(trailer.subarray(0, 64)));
}
