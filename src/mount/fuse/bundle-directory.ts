/** The tree of files that a mount shows: an immutable snapshot, replaced whole when something new is published. */
import type { MountedFile } from './mounted-file.ts';

export interface FileEntry {
  readonly kind: 'file';
  readonly name: string;
  /** Inode number: 2 to 2^32 - 1 (fuse-native carries 32 bits), unique in the directory. */
  readonly ino: number;
  readonly mtimeMs: number;
  /** Permission bits, 0o444 where absent. */
  readonly mode?: number;
  /** Found by its path but not listed. */
  readonly hidden?: boolean;
  readonly file: MountedFile;
}

export interface FolderEntry {
  readonly kind: 'folder';
  readonly name: string;
  readonly ino: number;
  readonly mtimeMs: number;
  /** Permission bits, 0o555 where absent. */
  readonly mode?: number;
  readonly hidden?: boolean;
  readonly entries: readonly DirectoryEntry[];
}

export type DirectoryEntry = FileEntry | FolderEntry;

/** What stat says of an entry. */
export interface EntryStat {
  /** File type and permission bits. */
  readonly mode: number;
  readonly ino: number;
  readonly nlink: number;
  readonly size: number;
  /** In units of 512 bytes, never fewer than the size needs: `tar -S` takes missing ones for holes and stores zeros. */
  readonly blocks: number;
  readonly blksize: number;
  readonly mtimeMs: number;
}

export interface BundleDirectory {
  readonly root: FolderEntry;
  /** Of all files that a walk through the listings finds, in bytes. */
  readonly totalSize: number;
  readonly fileCount: number;
  /** The entry at `path` (`/`, `/images.tar.xz`), hidden ones too, or undefined. */
  findEntry(path: string): DirectoryEntry | undefined;
}

export interface BundleDirectoryOptions {
  /** Of the root folder. */
  readonly mtimeMs: number;
}

/** The inode number of the root folder, as everywhere in FUSE. */
const rootIno = 1;

/**
 * The size that programs are told to read with. The largest request libfuse 2 can carry: programs that go by it, every
 * user of stdio among them, would ask for 4 KiB at a time otherwise, at ten times the cost.
 */
const preferredReadSize = 128 * 1024;

const fileType = 0o100000;
const folderType = 0o040000;
const maxIno = 2 ** 32 - 1;

/**
 * A directory of these entries. Throws TypeError for a name that no file can have or that appears twice in a folder,
 * RangeError for an inode number out of range or used twice and for a size of a listed file that is no safe integer.
 */
export function createBundleDirectory(
  entries: readonly DirectoryEntry[],
  options: BundleDirectoryOptions,
): BundleDirectory {
  const root: FolderEntry = { kind: 'folder', name: '', ino: rootIno, mtimeMs: options.mtimeMs, entries };
  const byPath = new Map<string, DirectoryEntry>([['/', root]]);
  const inos = new Set<number>([rootIno]);
  let totalSize = 0;
  let fileCount = 0;

  const addEntries = (folder: FolderEntry, prefix: string, isListed: boolean): void => {
    for (const entry of folder.entries) {
      const path = `${prefix}/${checkName(entry.name)}`;
      if (byPath.has(path)) throw new TypeError(`Cannot make a directory: "${path}" appears twice`);
      byPath.set(path, entry);
      inos.add(checkIno(entry, inos));
      if (entry.kind === 'folder') {
        addEntries(entry, path, isListed && entry.hidden !== true);
      } else if (isListed && entry.hidden !== true) {
        totalSize += checkSize(entry);
        fileCount++;
      }
    }
  };
  addEntries(root, '', true);
  return { root, totalSize, fileCount, findEntry: (path) => byPath.get(path) };
}

/** The entries of `folder` that a listing shows, in the order they were given in. */
export function listEntries(folder: FolderEntry): readonly DirectoryEntry[] {
  return folder.entries.filter((entry) => entry.hidden !== true);
}

export function statEntry(entry: DirectoryEntry): EntryStat {
  const size = entry.kind === 'file' ? entry.file.size : 0;
  return {
    mode: entry.kind === 'file' ? fileType | (entry.mode ?? 0o444) : folderType | (entry.mode ?? 0o555),
    ino: entry.ino,
    nlink: entry.kind === 'file' ? 1 : 2 + entry.entries.filter(({ kind }) => kind === 'folder').length,
    size,
    blocks: Math.ceil(size / 512),
    blksize: preferredReadSize,
    mtimeMs: entry.mtimeMs,
  };
}

function checkName(name: string): string {
  const valid = name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name);
  if (!valid || Buffer.byteLength(name) > 255) {
    throw new TypeError(`Cannot make a directory: ${JSON.stringify(name)} is no name a file can have`);
  }
  return name;
}

function checkIno({ name, ino }: DirectoryEntry, taken: ReadonlySet<number>): number {
  if (!Number.isInteger(ino) || ino < 1 || ino > maxIno || taken.has(ino)) {
    throw new RangeError(
      `Cannot make a directory: inode number ${ino} of "${name}" is taken or not in 2 to ${maxIno}`,
    );
  }
  return ino;
}

function checkSize({ name, file }: FileEntry): number {
  if (!Number.isSafeInteger(file.size) || file.size < 0) {
    throw new RangeError(`Cannot make a directory: ${file.size} is no size for "${name}"`);
  }
  return file.size;
}
