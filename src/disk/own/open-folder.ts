/** A folder held open, so that what is done in it is done in this very folder, whatever others put in its place meanwhile. */
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  lstatSync,
  openSync,
  type Stats,
  statSync,
} from 'node:fs';
import { openWithoutLinks } from '../../addon/open-without-links.ts';
import { findErrno } from '../../ground/errors.ts';
import { describeKind, ForeignThingError } from './foreign-thing.ts';

const flags = constants.O_RDONLY | constants.O_DIRECTORY;

/** Errors of fsync on file systems that cannot (SMB, some FUSE): there a rename is as durable as they make it. */
const noSync: readonly string[] = ['EINVAL', 'ENOTSUP', 'EOPNOTSUPP'];

export class OpenFolder implements Disposable {
  readonly path: string;
  readonly fd: number;
  #isOpen = true;

  constructor(path: string, fd: number) {
    this.path = path;
    this.fd = fd;
  }

  /** A path to `name` in this folder that is good until the folder is closed (proc(5), "/proc/pid/fd"). */
  at(name: string): string {
    return `/proc/self/fd/${this.fd}/${name}`;
  }

  /** Runs `action`; errors of the system name the folder by its path. */
  async run<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      if (error instanceof Error && findErrno(error) !== undefined) {
        const nameFolder = (text: string): string => text.replaceAll(`/proc/self/fd/${this.fd}`, this.path);
        error.message = nameFolder(error.message);
        const { path } = error as NodeJS.ErrnoException;
        if (path !== undefined) (error as NodeJS.ErrnoException).path = nameFolder(path);
      }
      throw error;
    }
  }

  get info(): Stats {
    return fstatSync(this.fd);
  }

  /** Makes durable which names the folder has. */
  sync(): void {
    try {
      fsyncSync(this.fd);
    } catch (error) {
      if (!noSync.includes(findErrno(error) ?? '')) throw error;
    }
  }

  [Symbol.dispose](): void {
    if (this.#isOpen) closeSync(this.fd); // once: the number may be another file's by then
    this.#isOpen = false;
  }
}

/** The folder at a path that the user named: links in it are the user's. */
export function openNamedFolder(path: string): OpenFolder {
  return new OpenFolder(path, openSync(path, flags | constants.O_NONBLOCK));
}

/**
 * A folder of the cache or another place of ours, at an absolute path (see canonicalPath). Throws ForeignThingError
 * where a link or no folder is in the way, or where it is somebody's whom the folder above does not let write.
 */
export function openOwnFolder(path: string): OpenFolder {
  const folder = new OpenFolder(path, openDescriptor(path));
  try {
    checkOwner(folder);
    return folder;
  } catch (error) {
    folder[Symbol.dispose]();
    throw error;
  }
}

function openDescriptor(path: string): number {
  try {
    return openWithoutLinks(path, flags);
  } catch (error) {
    if (['ELOOP', 'ENOTDIR'].includes(findErrno(error) ?? '')) throw explain(path) ?? error;
    throw error;
  }
}

/** The first part of `path` that is no folder. */
function explain(path: string): ForeignThingError | undefined {
  for (let end = path.indexOf('/', 1); ; end = path.indexOf('/', end + 1)) {
    const part = end < 0 ? path : path.slice(0, end);
    const info = lstatSync(part, { throwIfNoEntry: false });
    if (info === undefined) return undefined;
    if (!info.isDirectory()) return new ForeignThingError(part, `${describeKind(info)}, not a folder`);
    if (end < 0) return undefined;
  }
}

/**
 * Whoever may write to the folder above may have made this one: its owner, this user and root always, a group where it
 * may write, all where all may. A folder of anybody else was put there by a way that is none.
 */
function checkOwner({ path, fd }: OpenFolder): void {
  const { uid, gid } = fstatSync(fd);
  if (uid === 0 || uid === process.getuid?.()) return;
  const above = statSync(`/proc/self/fd/${fd}/..`);
  if (uid === above.uid || (above.mode & 0o002) !== 0) return;
  const isShared = (above.mode & 0o020) !== 0 && ((above.mode & 0o2000) === 0 || gid === above.gid);
  if (!isShared)
    throw new ForeignThingError(path, `belongs to user ${uid}, who may not write to the folder above`);
}
