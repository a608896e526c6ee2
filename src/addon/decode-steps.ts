/** Drives a decoder that takes its input and gives its output in steps: what decoders of .xz and of zstd have in common. */
import type { RawStreamDecoder } from './raw-addon.ts';

const outputSize = 1024 * 1024;

const more = 0;
const end = 1;

export interface DecodeStepsOptions {
  /** The error for a status that is neither of the two good ones. */
  readonly createError: (status: number) => Error;
  readonly signal?: AbortSignal | undefined;
}

/**
 * What `decoder` makes of `input`, no faster than it is asked for, in chunks of 1 MiB and less, which are the receiver's
 * to keep. A chunk of input must not change before the next one is asked for. Closes the decoder at its end.
 */
export async function* decodeInSteps(
  decoder: RawStreamDecoder,
  input: AsyncIterable<Uint8Array>,
  { createError, signal }: DecodeStepsOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    let output = Buffer.allocUnsafeSlow(outputSize);
    let filled = 0;
    for await (const { bytes, isLast } of markLast(input)) {
      let rest = bytes;
      let status = more;
      while (status === more && (isLast || rest.length > 0)) {
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
      if (status !== more && filled > 0) yield output.subarray(0, filled);
      if (status === end) return;
      if (status !== more) throw createError(status);
    }
  } finally {
    decoder.close();
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
