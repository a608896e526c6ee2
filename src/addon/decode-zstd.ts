/** Decodes zstd (RFC 8878) front to back with libzstd: one frame or several, and skippable ones between. */
import { BundleError } from '../ground/errors.ts';
import { decodeInSteps } from './decode-steps.ts';
import { loadAddon } from './load-addon.ts';

export interface DecodeZstdOptions {
  readonly signal?: AbortSignal;
}

const endsEarly = 2;

/** ZSTD_error_frameParameter_windowTooLarge (zstd_errors.h): more than 128 MiB, as for `zstd -d` without `--long`. */
const windowTooLarge = -16;

/**
 * The content of `input`. Checksums are verified where frames have them. The work is done on libuv's pool, in steps, no
 * faster than it is asked for; for chunks see decodeInSteps. `what` names it in archive-corrupt, archive-truncated and
 * archive-unsupported; what was given out before may then be damaged as well, for a checksum follows its content.
 */
export function decodeZstd(
  input: AsyncIterable<Uint8Array>,
  what: string,
  { signal }: DecodeZstdOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const { FrameStreamDecoder } = loadAddon();
  return decodeInSteps(new FrameStreamDecoder(), input, {
    createError: (status) => createError(what, status),
    signal,
  });
}

function createError(what: string, status: number): BundleError {
  if (status === endsEarly) {
    return new BundleError('archive-truncated', `Cannot read ${what}: its zstd data ends early`, {
      hint: 'What wrote it did not finish, or the copy is not whole. Save or copy it again.',
    });
  }
  return new BundleError(
    status === windowTooLarge ? 'archive-unsupported' : 'archive-corrupt',
    `Cannot read ${what}: its zstd data cannot be decoded (${loadAddon().zstdErrorText(-status)})`,
  );
}
