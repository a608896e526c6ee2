/** Notes a time as the modification time of an empty file. */
import { constants } from 'node:fs';
import { open, unlink } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { findErrno } from '../../ground/errors.ts';
import { makeOwnFolder } from '../make-folder.ts';
import { openOwnFolder } from './open-folder.ts';

/**
 * Sets the modification time of the file at `path` to now; makes the file where it is missing, and makes it anew where
 * another user's, or what is no file, or a file that has other names, is there. Where the system says no, nothing happens.
 */
export async function touchOwnFile(path: string): Promise<void> {
  try {
    await makeOwnFolder(dirname(path));
    using folder = openOwnFolder(dirname(path));
    const place = folder.at(basename(path));
    if (!(await touch(place))) {
      await unlink(place).catch((error: unknown) => {
        if (findErrno(error) !== 'ENOENT') throw error;
      });
      await (await open(place, 'wx', 0o644)).close();
    }
  } catch (error) {
    if (findErrno(error) === undefined) throw error;
  }
}

async function touch(place: string): Promise<boolean> {
  try {
    const handle = await open(place, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const info = await handle.stat();
      if (!info.isFile() || info.nlink !== 1) return false;
      const now = new Date();
      await handle.utimes(now, now);
      return true;
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (findErrno(error) === undefined) throw error;
    return false;
  }
}
