/** Answers what the kernel asks of a mount, from a directory and the handles that are open. */
import { constants } from 'node:fs';

import { BundleError } from '../../ground/errors.ts';
import { listEntries, statEntry, type BundleDirectory, type DirectoryEntry } from './bundle-directory.ts';
import { errnoNamed, errnoOf } from './errno-of.ts';
import type { OpenHandle, OpenHandles } from './open-handles.ts';

/** What fuse-native's stat arrays are made from; times in milliseconds. */
interface FuseStat {
  readonly mode: number;
  readonly ino: number;
  readonly nlink: number;
  readonly size: number;
  readonly blocks: number;
  readonly blksize: number;
  readonly uid: number;
  readonly gid: number;
  readonly atime: number;
  readonly mtime: number;
  readonly ctime: number;
}

interface FuseStatfs {
  readonly bsize: number;
  readonly frsize: number;
  readonly blocks: number;
  readonly bfree: number;
  readonly bavail: number;
  readonly files: number;
  readonly ffree: number;
  readonly favail: number;
  readonly flag: number;
  readonly namemax: number;
}

/**
 * The requests that are answered, in fuse-native's shapes; results below 0 are errnos. What is absent the kernel gets
 * ENOSYS for, once: it asks for no extended attribute after the first, and checks permissions by itself.
 */
export interface FuseOperations {
  getattr(path: string, answer: (result: number, stat?: FuseStat) => void): void;
  /** Asked with a handle where the kernel has one; fuse-native asks by path all the same. */
  fgetattr(path: string, fd: number, answer: (result: number, stat?: FuseStat) => void): void;
  readdir(
    path: string,
    answer: (result: number, names?: readonly string[], stats?: readonly FuseStat[]) => void,
  ): void;
  open(path: string, flags: number, answer: (result: number, fd?: number) => void): void;
  /** `target` is libfuse's memory, `length` bytes: nobody may write to it once `answer` has been called. */
  read(
    path: string,
    fd: number,
    target: Uint8Array,
    length: number,
    position: number,
    answer: (result: number) => void,
  ): void;
  release(path: string, fd: number, answer: (result: number) => void): void;
  statfs(path: string, answer: (result: number, statfs?: FuseStatfs) => void): void;
}

export interface FuseOperationsOptions {
  /** Asked at every request, so that what it publishes is seen by the next one. */
  readonly getDirectory: () => BundleDirectory;
  readonly handles: OpenHandles;
  readonly uid: number;
  readonly gid: number;
  /** Whether nothing new may be opened any more. */
  readonly isClosing: () => boolean;
  /** Told of every failed read, open and close: the reader learns no more than an errno. */
  readonly onError: (error: unknown, path: string) => void;
}

const statfsBlockSize = 4096;
const readOnlyFlag = 1; // ST_RDONLY of statvfs(3)

/** The answers of one mount. None of them throws, whatever a directory or a file does. */
export function createFuseOperations(options: FuseOperationsOptions): FuseOperations {
  const { getDirectory, handles, uid, gid, isClosing, onError } = options;

  const fail = (error: unknown, path: string): number => {
    if (error instanceof ErrnoError) return error.errno;
    try {
      onError(error, path);
    } catch {
      // Whoever is told must not end the mount.
    }
    return errnoOf(error);
  };
  const toStat = (entry: DirectoryEntry): FuseStat => {
    const { mtimeMs, ...stat } = statEntry(entry);
    return { ...stat, uid, gid, atime: mtimeMs, mtime: mtimeMs, ctime: mtimeMs };
  };
  const getEntry = (path: string): DirectoryEntry => {
    // A path that is gone answers for as long as it is held open, or the last read of a copy would fail with ENOENT.
    const entry = getDirectory().findEntry(path) ?? handles.findEntry(path);
    if (entry === undefined) throw new ErrnoError('ENOENT');
    return entry;
  };
  /** Gives `answer` the values that `work` returns, or the errno of what it throws. */
  const attempt = <First, Second = undefined>(
    path: string,
    answer: (result: number, first?: First, second?: Second) => void,
    work: () => readonly [First, Second?],
  ): void => {
    let values: readonly [First, Second?];
    try {
      values = work();
    } catch (error) {
      answer(fail(error, path));
      return;
    }
    if (values.length === 1) answer(0, values[0]);
    else answer(0, values[0], values[1]);
  };
  const getattr: FuseOperations['getattr'] = (path, answer) => {
    attempt(path, answer, () => [toStat(getEntry(path))]);
  };

  return {
    getattr,
    fgetattr: (path, _fd, answer) => {
      getattr(path, answer);
    },
    readdir: (path, answer) => {
      attempt(path, answer, () => {
        const folder = getEntry(path);
        if (folder.kind !== 'folder') throw new ErrnoError('ENOTDIR');
        const entries = listEntries(folder);
        const names = ['.', '..', ...entries.map(({ name }) => name)];
        return [names, [folder, folder, ...entries].map(toStat)];
      });
    },
    open: (path, flags, answer) => {
      openFile(path, flags).then(
        (fd) => {
          answer(0, fd);
        },
        (error: unknown) => {
          answer(fail(error, path));
        },
      );
    },
    read: (path, fd, target, _length, position, answer) => {
      let result: number | Promise<number>;
      try {
        result = readHandle(handles.find(fd), target, position);
      } catch (error) {
        answer(fail(error, path));
        return;
      }
      if (typeof result === 'number') {
        answer(result);
        return;
      }
      result.then(answer, (error: unknown) => {
        answer(fail(error, path));
      });
    },
    release: (_path, fd, answer) => {
      handles.release(fd);
      answer(0);
    },
    statfs: (path, answer) => {
      attempt(path, answer, () => [toStatfs(getDirectory())]);
    },
  };

  async function openFile(path: string, flags: number): Promise<number> {
    if (isClosing()) throw new ErrnoError('ENODEV');
    const entry = getDirectory().findEntry(path);
    if (entry === undefined) throw new ErrnoError('ENOENT');
    if (entry.kind === 'folder') throw new ErrnoError('EISDIR');
    if ((flags & (constants.O_WRONLY | constants.O_RDWR)) !== 0) throw new ErrnoError('EROFS');
    return handles.add(path, entry, await entry.file.open());
  }

  /** The bytes read: at once where they are at hand, so that no promise is made for them. */
  function readHandle(
    handle: OpenHandle | undefined,
    target: Uint8Array,
    position: number,
  ): number | Promise<number> {
    if (handle === undefined) throw new ErrnoError('EBADF');
    const { entry, file } = handle;
    const wanted = Math.max(0, Math.min(target.length, (file.size ?? entry.file.size) - position));
    if (wanted === 0) return 0;
    const part = wanted === target.length ? target : target.subarray(0, wanted);
    const count = file.tryRead(part, position);
    if (count !== undefined) return checkCount(handle, count, wanted, position);
    return handles
      .readWith(handle, () => file.read(part, position))
      .then((readCount) => checkCount(handle, readCount, wanted, position));
  }
}

function toStatfs({ totalSize, fileCount }: BundleDirectory): FuseStatfs {
  return {
    bsize: statfsBlockSize,
    frsize: statfsBlockSize,
    blocks: Math.ceil(totalSize / statfsBlockSize),
    bfree: 0,
    bavail: 0,
    files: fileCount,
    ffree: 0,
    favail: 0,
    flag: readOnlyFlag,
    namemax: 255,
  };
}

/** An answer that is no fault: it is given to the reader and told to nobody else. */
class ErrnoError extends Error {
  readonly errno: number;

  constructor(name: Parameters<typeof errnoNamed>[0]) {
    super(name);
    this.errno = errnoNamed(name);
  }
}

/** A short read in the middle would pass for the end of the file, and its reader would keep half of it as the whole. */
function checkCount(handle: OpenHandle, count: number, wanted: number, position: number): number {
  if (count === wanted) return count;
  throw new BundleError(
    'bundle-corrupt',
    `Cannot read "${handle.entry.name}": ${count} bytes found at ${position}, ${wanted} wanted`,
  );
}
