/** The Index (.xz 1.2.1 §4): the sizes of all blocks of a stream. */
import { crc32 } from 'node:zlib';
import { type Cursor, readVli, vliSize, writeVli, xzError } from './vli.ts';

/** A Record of the index (§4.3), in bytes. */
export interface IndexRecord {
  /** The block without its padding, at least 5. */
  readonly unpaddedSize: number;
  readonly uncompressedSize: number;
}

const crcSize = 4;

/** `size` rounded up to the alignment that everything in a stream has (§2.1). */
export function roundUpToFour(size: number): number {
  return Math.ceil(size / 4) * 4;
}

/**
 * The index of blocks with these sizes: indicator, count, records, padding, CRC32.
 * Without blocks it is `00 00 00 00` and its CRC32 `1c df 44 21`. Throws RangeError for sizes that are none.
 */
export function encodeIndex(records: Iterable<IndexRecord>): Uint8Array {
  const rows = [...records];
  let size = 1 + vliSize(rows.length);
  for (const { unpaddedSize, uncompressedSize } of rows) {
    if (unpaddedSize < 5) throw new RangeError(`A block cannot have ${unpaddedSize} bytes`);
    size += vliSize(unpaddedSize) + vliSize(uncompressedSize);
  }
  const end = roundUpToFour(size);
  const index = Buffer.alloc(end + crcSize);
  let position = writeVli(index, 1, rows.length);
  for (const { unpaddedSize, uncompressedSize } of rows) {
    position = writeVli(index, writeVli(index, position, unpaddedSize), uncompressedSize);
  }
  index.writeUInt32LE(crc32(index.subarray(0, end)), end);
  return index;
}

/** The records of the index that `bytes` are, all of them, and which stands at byte `position` of the file. Throws xz-corrupt or xz-unsupported. */
export function parseIndex(bytes: Uint8Array, position: number): IndexRecord[] {
  const fault = (code: 'xz-corrupt' | 'xz-unsupported', found: string): Error =>
    xzError(code, 'index', position, found);
  const index = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (index.length < 8 || index.length % 4 !== 0) {
    throw fault('xz-corrupt', `it cannot have ${index.length} bytes`);
  }
  const end = index.length - crcSize;
  if (crc32(index.subarray(0, end)) !== index.readUInt32LE(end)) {
    throw fault('xz-corrupt', 'its CRC32 does not match');
  }
  if (index[0] !== 0) throw fault('xz-corrupt', 'it does not start with 00');

  const cursor: Cursor = { position: 1 };
  const takeNumber = (): number => {
    const value = readVli(index, cursor, end);
    if (typeof value === 'number') return value;
    throw value === 'too-large'
      ? fault('xz-unsupported', 'a size in it is beyond 2^53')
      : fault('xz-corrupt', `there is no number at byte ${position + cursor.position}`);
  };
  const count = takeNumber();
  // A record takes two bytes at least: so a lying count costs neither memory nor time.
  if (count > (end - cursor.position) / 2) throw fault('xz-corrupt', `it cannot hold ${count} records`);
  const records: IndexRecord[] = [];
  for (let left = count; left > 0; left -= 1) {
    const unpaddedSize = takeNumber();
    if (unpaddedSize < 5) throw fault('xz-corrupt', `a block cannot have ${unpaddedSize} bytes`);
    records.push({ unpaddedSize, uncompressedSize: takeNumber() });
  }
  if (end - cursor.position > 3 || index.subarray(cursor.position, end).some((byte) => byte !== 0)) {
    throw fault('xz-corrupt', 'other bytes than padding follow its records');
  }
  return records;
}
