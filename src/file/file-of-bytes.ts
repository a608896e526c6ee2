/** Bytes in memory as a file. */
import { readChunks } from './read-chunks.ts';
import type { VirtualFile } from './virtual-file.ts';

/** `bytes`, which must not change, as a file. Closing it does nothing. */
export function fileOfBytes(bytes: Uint8Array): VirtualFile {
  const file: VirtualFile = {
    size: bytes.length,
    read(target, position) {
      const found = bytes.subarray(position, position + target.length);
      target.set(found);
      return Promise.resolve(found.length);
    },
    stream: (options) => readChunks(file, options),
    close: () => Promise.resolve(),
  };
  return file;
}
