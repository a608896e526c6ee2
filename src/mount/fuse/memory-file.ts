/** A mounted file whose bytes are at hand, such as a checksum. */
import type { MountedFile, OpenFile } from './mounted-file.ts';

/** A file of exactly these bytes, which must not change afterwards. */
export function createMemoryFile(bytes: Uint8Array): MountedFile {
  const tryRead = (target: Uint8Array, position: number): number => {
    const part = bytes.subarray(position, position + target.length);
    target.set(part);
    return part.length;
  };
  const openFile: OpenFile = {
    tryRead,
    read: (target, position) => Promise.resolve(tryRead(target, position)),
    close: () => undefined,
  };
  return { size: bytes.length, open: () => openFile };
}
