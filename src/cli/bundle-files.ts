/** The files of a stick as a mount shows them. */
import { digestOf } from '../digest.ts';
import type { StoredFile } from '../file/stored-file.ts';
import type { DirectoryEntry } from '../mount/bundle-directory.ts';
import { createMemoryFile } from '../mount/memory-file.ts';
import type { MountedFile } from '../mount/mounted-file.ts';
import type { Stick, StickFile } from '../stick/create-stick.ts';

/** Smaller inode numbers are free for entries that are not of the stick. */
export const firstStickIno = 2 ** 16;
const inoCount = 2 ** 32 - firstStickIno;

/**
 * The files of `stick` for the directory of a mount. A file's inode number
 * comes from its name and content: it stays while these stay, and is another one when another generation has other
 * bytes under the name.
 */
export function listStickEntries(stick: Stick): readonly DirectoryEntry[] {
  const inos = new Set<number>();
  return stick.files.map((file): DirectoryEntry => {
    const { name, mode, mtimeMs } = file;
    return { kind: 'file', name, ino: chooseIno(file, inos), mtimeMs, mode, file: mountStickFile(file) };
  });
}

function chooseIno({ name, digest }: StickFile, taken: Set<number>): number {
  const hash = Buffer.from(digestOf(Buffer.from(`${digest} ${name}`)).slice(-8), 'hex').readUInt32BE();
  let ino = firstStickIno + (hash % inoCount);
  while (taken.has(ino)) ino = firstStickIno + ((ino + 1 - firstStickIno) % inoCount);
  taken.add(ino);
  return ino;
}

function mountStickFile({ content }: StickFile): MountedFile {
  return content.kind === 'bytes' ? createMemoryFile(content.bytes) : mountStoredFile(content.file);
}

/** Every handle reads through the one table of extents; it belongs to whoever opened the bundle. */
function mountStoredFile(file: StoredFile): MountedFile {
  return {
    size: file.size,
    open: () => {
      const handle = file.openHandle();
      return {
        handleNumber: handle.number,
        tryRead: (target, position) => file.tryRead(target, position),
        read: (target, position) => file.read(target, position),
        close: () => {
          handle.close();
        },
      };
    },
  };
}
