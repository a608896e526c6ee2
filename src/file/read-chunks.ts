/** Streaming over random reads: the one way in which every virtual file turns `read` into a stream. */
import type { StreamOptions, VirtualFile } from './virtual-file.ts';

const chunkSize = 1024 * 1024;

/** The bytes of `file` in chunks of 1 MiB; the next chunk is read while the consumer has this one. */
export async function* readChunks(
  file: Pick<VirtualFile, 'size' | 'read'>,
  { start = 0, end = file.size, signal }: StreamOptions = {},
): AsyncGenerator<Uint8Array> {
  const fetch = async (position: number): Promise<Uint8Array> => {
    const chunk = Buffer.allocUnsafeSlow(Math.min(chunkSize, end - position));
    await readFully(file, chunk, position);
    return chunk;
  };
  let next = start < end ? fetch(start) : undefined;
  for (let position = start; next !== undefined;) {
    signal?.throwIfAborted();
    const chunk: Uint8Array = await next;
    position += chunk.length;
    next = position < end ? fetch(position) : undefined;
    next?.catch(() => undefined); // thrown where it is awaited, which the consumer may never come to
    yield chunk;
  }
}

/** Fills all of `target`; throws RangeError where the file ends before. */
export async function readFully(
  file: Pick<VirtualFile, 'read'>,
  target: Uint8Array,
  position: number,
): Promise<void> {
  for (let done = 0; done < target.length;) {
    const count = await file.read(target.subarray(done), position + done);
    if (count === 0) throw new RangeError(`No bytes at ${position + done}: beyond the end of the file`);
    done += count;
  }
}
