/** Notes a time as the modification time of an empty file. */
import { rm, utimes, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { findErrno } from '../errors.ts';
import { makeFolder } from './make-folder.ts';

/**
 * Sets the modification time of `path` to now; makes the file where it is missing, and makes it anew where it is
 * another user's. Where the system says no, nothing happens.
 */
export async function touchFile(path: string): Promise<void> {
  try {
    const now = new Date();
    await utimes(path, now, now).catch(async (error: unknown) => {
      if (findErrno(error) === undefined) throw error;
      await makeFolder(dirname(path));
      await rm(path, { force: true });
      await writeFile(path, '');
    });
  } catch (error) {
    if (findErrno(error) === undefined) throw error;
  }
}
