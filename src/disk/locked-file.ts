/** Files that are locked (flock) while their owner lives: whoever can lock one knows that its owner is dead, in whichever container that lived. */
import { closeSync, constants, fstatSync, lstatSync, openSync } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { tryLockFile, tryLockShared } from '../addon/file-lock.ts';
import { findErrno } from '../ground/errors.ts';
import type { OpenFolder } from './own/open-folder.ts';

/** Of a file that somebody else removed, or may remove and we may not: sweeping is no reason to fail. ELOOP is a link. */
const othersReasons: readonly string[] = ['ENOENT', 'EACCES', 'EPERM', 'EROFS', 'ELOOP', 'ENXIO'];

const readFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Makes an empty file in `folder` that is locked until its handle is closed, with one of the names that `nextName` gives,
 * a new one each time. Another process may take a new file for stale between our open and our lock: then it is gone,
 * and we start again.
 */
export async function openLockedFile(
  folder: OpenFolder,
  nextName: () => string,
): Promise<{ readonly handle: FileHandle; readonly name: string }> {
  return folder.run(async () => {
    for (;;) {
      const name = nextName();
      const handle = await open(folder.at(name), 'wx+', 0o644);
      try {
        if (lockNew(handle.fd, folder.at(name))) return { handle, name };
      } catch (error) {
        await handle.close();
        throw error;
      }
      await handle.close();
    }
  });
}

/**
 * The same with a bare descriptor: Node closes a FileHandle that nobody refers to any more, and what is to be held
 * until the process ends would be let go then.
 */
export async function openHeldFile(
  folder: OpenFolder,
  nextName: () => string,
): Promise<{ readonly name: string; readonly close: () => void }> {
  return folder.run(() => {
    for (;;) {
      const name = nextName();
      const fd = openSync(folder.at(name), 'wx+', 0o644);
      try {
        if (lockNew(fd, folder.at(name))) {
          return Promise.resolve({
            name,
            close: () => {
              closeSync(fd);
            },
          });
        }
      } catch (error) {
        closeSync(fd);
        throw error;
      }
      closeSync(fd);
    }
  });
}

/** Removes the regular file `name` of `folder` where nobody has locked it; where that is not possible, it stays. */
export function removeIfStale(folder: OpenFolder, name: string): Promise<void> {
  return folder.run(() => removeUnlocked(folder, name));
}

async function removeUnlocked(folder: OpenFolder, name: string): Promise<void> {
  let handle: FileHandle;
  try {
    handle = await open(folder.at(name), readFlags);
  } catch (error) {
    if (othersReasons.includes(findErrno(error) ?? '')) return;
    throw error;
  }
  try {
    if ((await handle.stat()).isFile() && tryLockFile(handle.fd)) await rm(folder.at(name), { force: true });
  } catch (error) {
    if (!othersReasons.includes(findErrno(error) ?? '')) throw error;
  } finally {
    await handle.close();
  }
}

/** Whether somebody has locked the regular file `name` of `folder`. One that may not be read counts as locked, for it may be. */
export function isLocked(folder: OpenFolder, name: string): Promise<boolean> {
  return folder.run(() => testLock(folder, name));
}

async function testLock(folder: OpenFolder, name: string): Promise<boolean> {
  let handle: FileHandle;
  try {
    handle = await open(folder.at(name), readFlags);
  } catch (error) {
    if (findErrno(error) === 'EACCES') return true;
    if (othersReasons.includes(findErrno(error) ?? '')) return false;
    throw error;
  }
  try {
    return (await handle.stat()).isFile() && !tryLockShared(handle.fd);
  } finally {
    await handle.close();
  }
}

function lockNew(fd: number, path: string): boolean {
  return tryLockFile(fd) && lstatSync(path, { throwIfNoEntry: false })?.ino === fstatSync(fd).ino;
}
