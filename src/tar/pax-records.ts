/** The records of a PAX extended header (POSIX.1-2017, pax, "pax Extended Header"), byte for byte: xattrs are binary. */

/** The largest extended header that is believed: xattrs have at most 64 KiB each (Linux, xattr(7)). */
export const largestPaxSize = 4 * 1024 * 1024;

/**
 * The records in `bytes`, each `length key=value\n`, where the length counts all of that. A later one replaces an
 * earlier one of its key. undefined where they are malformed.
 */
export function parsePaxRecords(bytes: Uint8Array): Map<string, Buffer> | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const records = new Map<string, Buffer>();
  for (let start = 0; start < buffer.length && buffer[start] !== 0;) {
    const space = buffer.indexOf(' ', start);
    const digits = space < 0 ? '' : buffer.toString('latin1', start, space);
    const end = start + Number(/^[1-9][0-9]{0,8}$/.test(digits) ? digits : NaN);
    const equals = buffer.indexOf('=', space);
    const isWhole = end <= buffer.length && equals > space && equals < end && buffer[end - 1] === 0x0a;
    if (!isWhole) return undefined;
    records.set(buffer.toString('utf8', space + 1, equals), buffer.subarray(equals + 1, end - 1));
    start = end;
  }
  return records;
}
