/** Decodes whole .xz files, ours and foreign ones, front to back. */
import { availableParallelism } from 'node:os';
import { decodeInSteps } from './decode-steps.ts';
import { loadAddon } from './load-addon.ts';
import { createDecodeError } from './lzma-error.ts';

export interface DecodeXzOptions {
  /** Blocks decoded at once, where their headers hold sizes; the usable cores where it is not said. */
  readonly threads?: number;
  readonly signal?: AbortSignal;
}

/** Above this, liblzma decodes fewer blocks at once. */
const threadingMemory = 256 * 1024 * 1024;

/** Above this, decoding fails. `xz -9` takes 65 MiB. */
const largestMemory = 2 * 1024 * 1024 * 1024;

/**
 * The content of the .xz file that `input` is: one Stream or several, with Stream Padding or without (.xz 1.2.1 §2).
 * Every check is verified. The work is done on libuv's pool and on liblzma's threads, in steps, no faster than it is
 * asked for. A chunk of input must not change before the next one is asked for; chunks of output, of 1 MiB and less,
 * are the receiver's to keep. Throws xz-corrupt, xz-truncated or xz-unsupported; what was given out before may then be
 * damaged as well, for a block's check follows its content.
 */
export async function* decodeXz(
  input: AsyncIterable<Uint8Array>,
  { threads = availableParallelism(), signal }: DecodeXzOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  if (!Number.isInteger(threads) || threads < 1 || threads > 1024) {
    throw new RangeError(`The count of decoder threads is ${threads}, and must be 1 to 1024`);
  }
  const { StreamDecoder } = loadAddon();
  yield* decodeInSteps(new StreamDecoder(threads, threadingMemory, largestMemory), input, {
    createError: (status) => createDecodeError('the .xz file', status),
    signal,
  });
}
