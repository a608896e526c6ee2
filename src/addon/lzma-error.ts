/** What liblzma's return values mean to bundlefs. */
import { BundleError } from '../ground/errors.ts';

/** LZMA_OK (lzma/base.h). */
export const lzmaOk = 0;
export const lzmaStreamEnd = 1;
export const lzmaDataError = 9;
const lzmaMemoryError = 5;

type DecodeErrorCode = 'xz-corrupt' | 'xz-truncated' | 'xz-unsupported';

const memoryReason = 'there is not enough memory';

/** lzma/base.h, enum lzma_ret. What is not here is a mistake of ours, and reads as one. */
const reasons: Readonly<Record<number, string>> = {
  3: 'its integrity check is of a kind that liblzma does not know',
  [lzmaMemoryError]: memoryReason,
  6: 'it needs more memory than is allowed',
  7: 'it does not begin as a .xz file does',
  8: 'its header asks for what liblzma does not support',
  9: 'its bytes are damaged',
  10: 'it ends too early',
};

const decodeCodes: Readonly<Record<number, DecodeErrorCode>> = {
  7: 'xz-corrupt',
  9: 'xz-corrupt',
  10: 'xz-truncated',
};

/** The error for a decoder's `status`, which is not success. `what` is what could not be decoded: `an xz block`. */
export function createDecodeError(what: string, status: number): BundleError {
  return new BundleError(
    decodeCodes[status] ?? 'xz-unsupported',
    `Cannot decode ${what}: ${reasons[status] ?? `liblzma returned ${status}`}`,
  );
}

/** The error for an encoder's `status`, which is not success. */
export function createEncodeError(status: number): BundleError {
  const isMemory = status === lzmaMemoryError;
  const reason = isMemory ? memoryReason : `liblzma returned ${status}`;
  return new BundleError('encode-failed', `Cannot encode an xz block: ${reason}`, {
    hint: isMemory
      ? 'Run it again when other programs need less, or with a lower level, such as --preset 3: each core in use takes memory for one block.'
      : 'This is a fault of bundlefs itself; please report it.',
  });
}
