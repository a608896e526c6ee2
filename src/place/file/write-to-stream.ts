/** Writes a virtual file to a Node stream, such as standard output, at the pace of whoever reads it. */
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { BundleError, describeError, findErrno, isBundleError } from '../../ground/errors.ts';
import type { VirtualFile } from '../../file/virtual-file.ts';
import { fstatSync, writeSync } from 'node:fs';

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

/**
 * Node gives each chunk for a file behind standard output to the system once, and does not look how much of it was taken
 * (lib/internal/fs/sync_write_stream.js): where the disk fills up within a chunk, the file would be cut off and nobody
 * told. From here on what is left of a chunk is written, too, which fails then as it should.
 */
export function writeOutputWhole(output: Writable & { readonly fd: number }): void {
  if (!isFile(output.fd)) return;
  output._write = (chunk: Uint8Array, _encoding, callback) => {
    try {
      for (let done = 0; done < chunk.length;) done += writeSync(output.fd, chunk, done);
    } catch (error) {
      callback(error as Error);
      return;
    }
    callback();
  };
}

function isFile(fd: number): boolean {
  try {
    return fstatSync(fd).isFile();
  } catch {
    return false; // it is closed
  }
}
