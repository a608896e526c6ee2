/** Writes a virtual file to a Node stream, such as standard output, at the pace of whoever reads it. */
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { BundleError, describeError, findErrno, isBundleError } from '../../ground/errors.ts';
import type { VirtualFile } from '../../file/virtual-file.ts';

export interface WriteToStreamOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Writes all of `file` to `output` and ends it. Throws output-failed where the reader goes away before the end (EPIPE), and
 * what reading throws: then the reader has an incomplete file, which its end tells it.
 */
export async function writeToStream(
  file: VirtualFile,
  output: Writable,
  { signal, onProgress }: WriteToStreamOptions = {},
): Promise<void> {
  async function* countedChunks(): AsyncGenerator<Uint8Array> {
    let done = 0;
    for await (const chunk of file.stream(signal ? { signal } : {})) {
      yield chunk;
      done += chunk.length;
      onProgress?.(done, file.size);
    }
  }
  try {
    await pipeline(countedChunks, output, signal ? { signal } : {});
  } catch (error) {
    const errno = findErrno(error);
    if (isBundleError(error) || errno === undefined || errno === 'ABORT_ERR') throw error;
    const isGone = errno === 'EPIPE' || errno === 'ERR_STREAM_PREMATURE_CLOSE';
    const isFull = errno === 'ENOSPC' || errno === 'EDQUOT' || errno === 'EFBIG';
    throw new BundleError(
      isFull ? 'output-full' : 'output-failed',
      `Cannot write to standard output: ${isGone ? 'the reader went away before the end' : describeError(error)}`,
      { cause: error },
    );
  }
}
