/** A file put together from thousands of chunks of uneven length, as a bundle is from blocks. */
import type { MountedFile } from '../../../src/mount/fuse/mounted-file.ts';
import { generateBytes } from './generated-file.ts';

/** `chunkCount` chunks; equal seeds give equal files. `content` is the whole, for comparing. */
export function createChunkedFile(seed: number, chunkCount: number): MountedFile & { content: Buffer } {
  const chunks: Uint8Array[] = [];
  const starts: number[] = [];
  let size = 0;
  for (let index = 0; index < chunkCount; index++) {
    const chunk = generateBytes(seed + index, 0, 1 + ((index * 7919 + seed) % 6000));
    starts.push(size);
    chunks.push(chunk);
    size += chunk.length;
  }
  const tryRead = (target: Uint8Array, position: number): number => {
    let index = starts.findLastIndex((start) => start <= position);
    let count = 0;
    while (count < target.length && index < chunks.length) {
      const inside = position + count - (starts[index] ?? 0);
      const part = chunks[index]?.subarray(inside, inside + target.length - count) ?? new Uint8Array();
      target.set(part, count);
      count += part.length;
      index++;
    }
    return count;
  };
  return {
    size,
    content: Buffer.concat(chunks),
    open: () => ({
      tryRead,
      read: (target, position) => Promise.resolve(tryRead(target, position)),
      close: () => undefined,
    }),
  };
}
