/** Decompresses zstd (RFC 8878); the owner of fzstd. */
import { Decompress, type ZstdError, ZstdErrorCode } from 'fzstd';
import { BundleError, describeError } from '../errors.ts';

/** Bytes given to the decoder at once: 4 bytes can stand for 128 KiB, and all that comes of one step is in memory. */
const inputSize = 4096;

/**
 * The content of one or several zstd frames. Checksums are not verified: what is read of it is hashed. `what` names it
 * in archive-corrupt and archive-truncated; what `source` throws is thrown as it is.
 */
export async function* decodeZstd(
  source: AsyncIterable<Uint8Array>,
  what: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  let output: Uint8Array[] = [];
  const decoder = new Decompress((chunk) => output.push(chunk));
  const step = (input: Uint8Array, isLast: boolean): readonly Uint8Array[] => {
    output = [];
    try {
      decoder.push(input, isLast);
    } catch (error) {
      throw toArchiveError(error, what);
    }
    return output;
  };
  for await (const chunk of source) {
    for (let start = 0; start < chunk.length; start += inputSize) {
      yield* step(chunk.subarray(start, start + inputSize), false);
    }
  }
  yield* step(new Uint8Array(0), true);
}

function toArchiveError(error: unknown, what: string): BundleError {
  const code = (error as Partial<ZstdError>).code;
  if (code === ZstdErrorCode.UnexpectedEOF) {
    return new BundleError('archive-truncated', `Cannot read ${what}: its zstd data ends early`, {
      cause: error,
      hint: 'What wrote it did not finish, or the copy is not whole. Save or copy it again.',
    });
  }
  return new BundleError(
    code === ZstdErrorCode.WindowSizeTooLarge ? 'archive-unsupported' : 'archive-corrupt',
    `Cannot read ${what}: its zstd data cannot be decoded (${describeError(error)})`,
    { cause: error },
  );
}
