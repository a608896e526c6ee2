/** The files that stand in a mounted bundle. */
import { type Digest, hexOf } from '../digest.ts';
import type { StoredFile } from '../file/stored-file.ts';
import { type BundleDirectory, createBundleDirectory } from '../mount/bundle-directory.ts';
import { createMemoryFile } from '../mount/memory-file.ts';
import type { MountedFile } from '../mount/mounted-file.ts';

export const bundleFileName = 'images.tar.xz';

/** The directory of a mount: `images.tar.xz`, read from `xz`, and the sum that `sha256sum -c` checks it by. */
export function createBundleFiles(xz: StoredFile, digest: Digest, mtimeMs: number): BundleDirectory {
  const sum = Buffer.from(`${hexOf(digest)}  ${bundleFileName}\n`);
  return createBundleDirectory(
    [
      { kind: 'file', name: bundleFileName, ino: 2, mtimeMs, file: mountStoredFile(xz) },
      { kind: 'file', name: `${bundleFileName}.sha256`, ino: 3, mtimeMs, file: createMemoryFile(sum) },
    ],
    { mtimeMs },
  );
}

/** Every handle reads through the one table of extents; it belongs to whoever opened the bundle. */
function mountStoredFile(xz: StoredFile): MountedFile {
  return {
    size: xz.size,
    open: () => {
      const handle = xz.openHandle();
      return {
        handleNumber: handle.number,
        tryRead: (target, position) => xz.tryRead(target, position),
        read: (target, position) => xz.read(target, position),
        close: () => {
          handle.close();
        },
      };
    },
  };
}
