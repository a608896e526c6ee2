/** Files that are locked (flock) while their owner lives: whoever can lock one knows that its owner is dead, in whichever container that lived. */
import { closeSync, fstatSync, openSync } from 'node:fs';
import { type FileHandle, open, rm, stat } from 'node:fs/promises';
import { tryLockFile, tryLockShared } from '../addon/file-lock.ts';
import { findErrno } from '../errors.ts';

/** Of a file that somebody else removed, or may remove and we may not: sweeping is no reason to fail. */
const othersReasons: readonly string[] = ['ENOENT', 'EACCES', 'EPERM', 'EROFS'];

export interface LockedFile {
  readonly handle: FileHandle;
  readonly path: string;
}

/**
 * Makes an empty file that is locked until its handle is closed, at one of the paths that `nextPath` gives, a new one
 * each time. Another process may take a new file for stale between our open and our lock: then it is gone, and we
 * start again.
 */
export async function openLockedFile(nextPath: () => string): Promise<LockedFile> {
  for (;;) {
    const path = nextPath();
    const handle = await open(path, 'wx+', 0o644);
    try {
      if (await lockNew(handle.fd, path)) return { handle, path };
    } catch (error) {
      await handle.close();
      throw error;
    }
    await handle.close();
  }
}

/**
 * The same with a bare descriptor: Node closes a FileHandle that nobody refers to any more, and what is to be held
 * until the process ends would be let go then.
 */
export async function openHeldFile(
  nextPath: () => string,
): Promise<{ readonly fd: number; readonly path: string }> {
  for (;;) {
    const path = nextPath();
    const fd = openSync(path, 'wx+', 0o644);
    try {
      if (await lockNew(fd, path)) return { fd, path };
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    closeSync(fd);
  }
}

/** Removes the file at `path` where nobody has locked it; where that is not possible, it stays. */
export async function removeIfStale(path: string): Promise<void> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    if (othersReasons.includes(findErrno(error) ?? '')) return;
    throw error;
  }
  try {
    if (tryLockFile(handle.fd)) await rm(path, { force: true });
  } catch (error) {
    if (!othersReasons.includes(findErrno(error) ?? '')) throw error;
  } finally {
    await handle.close();
  }
}

/** Whether somebody has locked the file at `path`. A file that may not be read counts as locked, for it may be. */
export async function isLocked(path: string): Promise<boolean> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    if (findErrno(error) === 'ENOENT') return false;
    if (findErrno(error) === 'EACCES') return true;
    throw error;
  }
  try {
    return !tryLockShared(handle.fd);
  } finally {
    await handle.close();
  }
}

async function lockNew(fd: number, path: string): Promise<boolean> {
  if (!tryLockFile(fd)) return false;
  try {
    return (await stat(path)).ino === fstatSync(fd).ino;
  } catch (error) {
    if (findErrno(error) === 'ENOENT') return false;
    throw error;
  }
}
