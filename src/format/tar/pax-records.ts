/** The records of a PAX extended header (POSIX.1-2017, pax, "pax Extended Header"), byte for byte: xattrs are binary. */

/** The largest extended header that is believed: xattrs have at most 64 KiB each (Linux, xattr(7)). */
export const largestPaxSize = 4 * 1024 * 1024;

/** A key and its value. */
export type PaxRecord = readonly [key: string, value: Buffer];

/** What the keys of xattrs begin with. */
export const xattrPrefix = 'SCHILY.xattr.';

const wholeNumber = /^[+-]?[0-9]+$/;
const time = /^([+-]?[0-9]+)(?:\.([0-9]*))?$/;

/** What values have to be for Go's archive/tar, and so every engine, to take them. */
const valueForms: ReadonlyMap<string, RegExp> = new Map([
  ['size', /^\+?[0-9]+$/],
  ['uid', wholeNumber],
  ['gid', wholeNumber],
  ['mtime', time],
  ['atime', time],
  ['ctime', time],
  ['path', /^[^\0]*$/],
  ['linkpath', /^[^\0]*$/],
]);

/** Records of the sparse format 0.0, which repeat: they are read as the one map of 0.1 (Go archive/tar, "parsePAX"). */
const sparsePairs = ['GNU.sparse.offset', 'GNU.sparse.numbytes'];
const sparseMap = 'GNU.sparse.map';

/**
 * The records in `bytes` by their keys: a later one replaces an earlier one, and one without a value leaves its key to the
 * header, as if it did not stand there (POSIX); but an xattr may be empty. undefined where they are malformed, or no
 * engine takes their numbers, times and names.
 */
export function parsePaxRecords(bytes: Uint8Array): Map<string, Buffer> | undefined {
  const records = listPaxRecords(bytes);
  if (records === undefined) return undefined;
  const found = new Map<string, Buffer>();
  for (const [key, value] of records) {
    const form = valueForms.get(key);
    if (value.length === 0 && !key.startsWith(xattrPrefix)) found.delete(key);
    else if (form?.test(value.toString('latin1')) === false) return undefined;
    else if (!sparsePairs.includes(key)) found.set(key, value);
    else found.set(sparseMap, joinNumbers(found.get(sparseMap), value));
  }
  return found;
}

/**
 * The records in `bytes`, each `length key=value\n`, where the length counts all of that, in their order. undefined
 * where they are malformed, as Go's archive/tar has it ("parsePAX"): nothing may come behind them, and no key has a NUL.
 */
export function listPaxRecords(bytes: Uint8Array): PaxRecord[] | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const records: PaxRecord[] = [];
  for (let start = 0; start < buffer.length;) {
    const space = buffer.indexOf(' ', start);
    const digits = space < 0 ? '' : buffer.toString('latin1', start, space);
    const end = start + Number(/^[0-9]{1,15}$/.test(digits) ? digits : NaN);
    const equals = buffer.indexOf('=', space);
    const isWhole = end <= buffer.length && equals > space + 1 && equals < end && buffer[end - 1] === 0x0a;
    if (!isWhole) return undefined;
    const key = buffer.toString('utf8', space + 1, equals);
    if (key.includes('\0')) return undefined;
    records.push([key, buffer.subarray(equals + 1, end - 1)]);
    start = end;
  }
  return records;
}

function joinNumbers(before: Buffer | undefined, number: Buffer): Buffer {
  return before === undefined ? number : Buffer.concat([before, Buffer.from(','), number]);
}

/** A whole number as records have it. undefined where `text` is none, or no safe integer. */
export function parsePaxNumber(text: Buffer | undefined): number | undefined {
  const digits = text?.toString('latin1') ?? '';
  const number = wholeNumber.test(digits) ? Number(digits) : NaN;
  return Number.isSafeInteger(number) ? number : undefined;
}

/**
 * A time as records have it, in seconds since 1970; `exact` where it has a fraction: the same with up to nine digits of it,
 * more of which no engine takes. undefined where `text` is none.
 */
export function parsePaxTime(
  text: Buffer | undefined,
): { readonly seconds: number; readonly exact?: string } | undefined {
  const [, whole, digits = ''] = time.exec(text?.toString('latin1') ?? '') ?? [];
  if (whole === undefined) return undefined;
  const fraction = digits.slice(0, 9).replace(/0+$/, '');
  if (fraction === '') return { seconds: Number(whole) };
  const exact = `${whole}.${fraction}`;
  return { seconds: Number(exact), exact };
}

/** One record: its length in bytes, which counts its own digits, then `key=value`. */
export function encodePaxRecord([key, value]: PaxRecord): Buffer {
  const body = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from('\n')]);
  let length = body.length;
  while (String(length).length + body.length !== length) length = String(length).length + body.length;
  return Buffer.concat([Buffer.from(String(length)), body]);
}
