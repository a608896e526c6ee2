/** The fields of a tar header block: text up to a NUL, numbers in octal or base 256. */

/** The bytes from `start` up to the first NUL, at most to `end`; they lie in `block`. */
export function findText(block: Uint8Array, start: number, end: number): Buffer {
  const field = Buffer.from(block.buffer, block.byteOffset + start, end - start);
  const stop = field.indexOf(0);
  return stop < 0 ? field : field.subarray(0, stop);
}

/** The number in a field: octal, or with its top bit set a signed big-endian number (GNU tar). undefined where it is none. */
export function readTarNumber(block: Uint8Array, start: number, end: number): number | undefined {
  const first = block[start] ?? 0;
  if (first < 0x80) {
    const text = findText(block, start, end).toString('latin1').trim();
    return /^[0-7]+$/.test(text) ? parseInt(text, 8) : undefined;
  }
  let value = BigInt(first & 0x7f);
  for (let position = start + 1; position < end; position += 1) {
    value = (value << 8n) | BigInt(block[position] ?? 0);
  }
  const number = Number(BigInt.asIntN(8 * (end - start) - 1, value));
  return Number.isSafeInteger(number) ? number : undefined;
}
