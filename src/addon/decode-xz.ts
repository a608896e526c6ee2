/** Decodes whole .xz files, ours and foreign ones, front to back. */
import { availableParallelism } from 'node:os';
import { loadAddon } from './load-addon.ts';
import { createDecodeError, lzmaOk, lzmaStreamEnd } from './lzma-error.ts';
import type { RawStreamDecoder } from './raw-addon.ts';

export interface DecodeXzOptions {
  /** Blocks decoded at once, where their headers hold sizes; the usable cores where it is not said. */
  readonly threads?: number;
  readonly signal?: AbortSignal;
}

const outputSize = 1024 * 1024;

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
  const decoder = new StreamDecoder(threads, threadingMemory, largestMemory);
  try {
    yield* decodeChunks(decoder, input, signal);
  } finally {
    decoder.close();
  }
}

async function* decodeChunks(
  decoder: RawStreamDecoder,
  input: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  let output = Buffer.allocUnsafeSlow(outputSize);
  let filled = 0;
  for await (const { bytes, isLast } of markLast(input)) {
    let rest = bytes;
    let status = lzmaOk;
    while (status === lzmaOk && (isLast || rest.length > 0)) {
      signal?.throwIfAborted();
      const [next, consumed, produced] = await decoder.step(rest, isLast, output.subarray(filled));
      status = next;
      rest = rest.subarray(consumed);
      filled += produced;
      if (filled === outputSize) {
        yield output;
        output = Buffer.allocUnsafeSlow(outputSize);
        filled = 0;
      }
    }
    if (status !== lzmaOk && filled > 0) yield output.subarray(0, filled);
    if (status === lzmaStreamEnd) return;
    if (status !== lzmaOk) throw createDecodeError('the .xz file', status);
  }
}

interface InputPart {
  readonly bytes: Uint8Array;
  readonly isLast: boolean;
}

/** The last part is empty, for once liblzma has been told that the input ends (LZMA_FINISH) it must not be given more. */
async function* markLast(input: AsyncIterable<Uint8Array>): AsyncGenerator<InputPart, void, undefined> {
  for await (const bytes of input) yield { bytes, isLast: false };
  yield { bytes: new Uint8Array(), isLast: true };
}
