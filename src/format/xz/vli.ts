/** Variable-length integers (.xz 1.2.1 §1.2): seven bits a byte, the lowest first, the top bit set in all but the last. */
import { BundleError, type ErrorCode } from '../../ground/errors.ts';

/** A place in some bytes that moves on as they are read. */
export interface Cursor {
  position: number;
}

/** What readVli finds wrong: the bytes end first, break the rules, or hold more than a safe integer. */
export type VliFault = 'truncated' | 'corrupt' | 'too-large';

/** The most bytes that an integer of the format takes. */
const vliSizeLimit = 9;

/** Bytes that `value` takes: 127 takes 1, 128 takes 2. `value` must be a safe integer from 0 up; throws RangeError. */
export function vliSize(value: number): number {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} is not a size`);
  let size = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size += 1;
  return size;
}

/** Writes `value` (see vliSize) to `target` at `position`; returns the position behind it. */
export function writeVli(target: Uint8Array, position: number, value: number): number {
  const end = position + vliSize(value);
  if (end > target.length) throw new RangeError(`No room for ${value} at ${position}`);
  let rest = value;
  for (let at = position; at < end - 1; at += 1) {
    target[at] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  target[end - 1] = rest;
  return end;
}

/** Reads the integer at the cursor and moves the cursor behind it, or says what is wrong with it. Never reads at or beyond `end`. */
export function readVli(bytes: Uint8Array, cursor: Cursor, end: number = bytes.length): number | VliFault {
  const limit = Math.min(end, bytes.length);
  let value = 0;
  let factor = 1;
  for (let count = 1; count <= vliSizeLimit; count += 1) {
    if (cursor.position >= limit) return 'truncated';
    const byte = bytes[cursor.position] ?? 0;
    cursor.position += 1;
    value += (byte & 0x7f) * factor;
    factor *= 0x80;
    if (byte >= 0x80) continue;
    if (byte === 0 && count > 1) return 'corrupt'; // a longer form of a smaller number
    return Number.isSafeInteger(value) ? value : 'too-large';
  }
  return 'corrupt';
}

/** The error for `part` (`index`, `stream footer` …), which stands at byte `position` of the file. */
export function xzError(
  code: Extract<ErrorCode, `xz-${string}`>,
  part: string,
  position: number,
  found: string,
): BundleError {
  return new BundleError(code, `Cannot read xz ${part} at byte ${position}: ${found}`);
}
