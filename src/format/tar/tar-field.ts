/** The fields of a tar header block, for everybody who reads one: text up to a NUL, numbers in octal or base 256, the path. */

/** The bytes from `start` up to the first NUL, at most to `end`; they lie in `block`. */
export function findText(block: Uint8Array, start: number, end: number): Buffer {
  const field = Buffer.from(block.buffer, block.byteOffset + start, end - start);
  const stop = field.indexOf(0);
  return stop < 0 ? field : field.subarray(0, stop);
}

/** Blanks and NULs, then digits that a blank, a NUL or the field ends; or no digits, or none before what a NUL hides. */
const octalNumber = /^(?:[\0\s]*(?:([0-7]+)(?:[\0\s]|$)|$)|(?:\0\s*|\s+)\0)/;

/** Octal digits that a number holds without a loss. */
const longestPlain = 17;

/**
 * The number in a field: octal, or with its top bit set a signed big-endian number (GNU tar). A field without a digit is
 * 0: .NET's TarWriter leaves every zero as NULs, others as blanks. undefined where it is no number, or no safe integer.
 * All that Go's archive/tar or GNU tar reads is read (parser.parseNumeric, tar 1.34 src/list.c "from_header"), but for
 * GNU's base 64 and negative octal numbers of 1999.
 */
export function readTarNumber(block: Uint8Array, start: number, end: number): number | undefined {
  const first = block[start] ?? 0;
  // What nearly all fields have, without a text made of it: digits, and behind them the end, a NUL or a blank.
  let digits = 0;
  let position = start;
  for (; position < end; position += 1) {
    const digit = (block[position] ?? 0) - 0x30;
    if (digit < 0 || digit > 7) break;
    digits = 8 * digits + digit;
  }
  const isPlain = position > start && position - start <= longestPlain;
  if (isPlain && (position === end || block[position] === 0 || block[position] === 0x20)) return digits;
  if (first < 0x80) {
    const field = Buffer.from(block.buffer, block.byteOffset + start, end - start).toString('latin1');
    const found = octalNumber.exec(field);
    return found === null ? undefined : parseInt(found[1] ?? '0', 8);
  }
  let value = BigInt(first & 0x7f);
  for (position = start + 1; position < end; position += 1) {
    value = (value << 8n) | BigInt(block[position] ?? 0);
  }
  const number = Number(BigInt.asIntN(8 * (end - start) - 1, value));
  return Number.isSafeInteger(number) ? number : undefined;
}

/** `ustar` and a NUL: POSIX, and with `tar` at the end of the block star. */
const [magicStart, magicEnd] = [257, 265];
const [prefixStart, prefixEnd] = [345, 500];
const starPrefixEnd = 476;
const starTrailer = 'tar\0';
const noBytes = Buffer.alloc(0);

/**
 * The path that a header block has itself, its prefix before it (Go archive/tar, "readHeader"). GNU headers have times
 * where ustar has its prefix; those that Go before 1.8 wrote have the prefix there all the same.
 */
export function readHeaderPath(block: Uint8Array): Buffer {
  const name = findText(block, 0, 100);
  const prefix = findPrefix(block);
  return prefix.length === 0 ? name : Buffer.concat([prefix, Buffer.from('/'), name]);
}

/** Empty where the header has none. */
export function findPrefix(block: Uint8Array): Buffer {
  if (block[prefixStart] === 0) return noBytes;
  const bytes = Buffer.from(block.buffer, block.byteOffset, block.byteLength);
  const magic = bytes.toString('latin1', magicStart, magicEnd);
  if (magic.startsWith('ustar\0')) {
    const isStar = bytes.toString('latin1', 508, 512) === starTrailer;
    return findText(block, prefixStart, isStar ? starPrefixEnd : prefixEnd);
  }
  const hasTimes = [345, 357].every(
    (start) => bytes[start] === 0 || readTarNumber(bytes, start, start + 12) !== undefined,
  );
  if (magic !== 'ustar  \0' || hasTimes) return noBytes;
  const prefix = findText(block, prefixStart, prefixEnd);
  return prefix.every((byte) => byte < 0x80) ? prefix : noBytes;
}
