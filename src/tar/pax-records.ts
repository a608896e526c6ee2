/** The records of a PAX extended header (POSIX.1-2017, pax, "pax Extended Header"), byte for byte: xattrs are binary. */

/** The largest extended header that is believed: xattrs have at most 64 KiB each (Linux, xattr(7)). */
export const largestPaxSize = 4 * 1024 * 1024;

/** A key and its value. */
export type PaxRecord = readonly [key: string, value: Buffer];

/** The records in `bytes` by their keys: a later one replaces an earlier one. undefined where they are malformed. */
export function parsePaxRecords(bytes: Uint8Array): Map<string, Buffer> | undefined {
  const records = listPaxRecords(bytes);
  return records && new Map(records);
}

/**
 * The records in `bytes`, each `length key=value\n`, where the length counts all of that, in their order. undefined
 * where they are malformed.
 */
export function listPaxRecords(bytes: Uint8Array): PaxRecord[] | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const records: PaxRecord[] = [];
  for (let start = 0; start < buffer.length && buffer[start] !== 0;) {
    const space = buffer.indexOf(' ', start);
    const digits = space < 0 ? '' : buffer.toString('latin1', start, space);
    const end = start + Number(/^[1-9][0-9]{0,8}$/.test(digits) ? digits : NaN);
    const equals = buffer.indexOf('=', space);
    const isWhole = end <= buffer.length && equals > space && equals < end && buffer[end - 1] === 0x0a;
    if (!isWhole) return undefined;
    records.push([buffer.toString('utf8', space + 1, equals), buffer.subarray(equals + 1, end - 1)]);
    start = end;
  }
  return records;
}

/** One record: its length in bytes, which counts its own digits, then `key=value`. */
export function encodePaxRecord([key, value]: PaxRecord): Buffer {
  const body = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from('\n')]);
  let length = body.length;
  while (String(length).length + body.length !== length) length = String(length).length + body.length;
  return Buffer.concat([Buffer.from(String(length)), body]);
}
