/** Tells zeros from other bytes at the speed of memory: a compressed file of some KiB may have gigabytes of them. */

const zeros = Buffer.alloc(64 * 1024);

/** Whether `bytes` are all zero. */
export function isZero(bytes: Uint8Array): boolean {
  return findNonZero(bytes) < 0;
}

/** The position of the first byte that is not zero, -1 where there is none. */
export function findNonZero(bytes: Uint8Array): number {
  for (let start = 0; start < bytes.length; start += zeros.length) {
    const part = bytes.subarray(start, start + zeros.length);
    if (!areZeros(part)) return start + part.findIndex((byte) => byte !== 0);
  }
  return -1;
}

/** The position of the last byte that is not zero, -1 where there is none. */
export function findLastNonZero(bytes: Uint8Array): number {
  for (let end = bytes.length; end > 0; end -= zeros.length) {
    const start = Math.max(0, end - zeros.length);
    const part = bytes.subarray(start, end);
    if (!areZeros(part)) return start + part.findLastIndex((byte) => byte !== 0);
  }
  return -1;
}

/** `part` must not be longer than `zeros`. Buffer.compare is memcmp. */
function areZeros(part: Uint8Array): boolean {
  return zeros.compare(part, 0, part.length, 0, part.length) === 0;
}
