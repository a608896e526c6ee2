/** Makes a folder and those above it, with the true reason where that fails. */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { findErrno } from '../errors.ts';

/** Node's own recursive mkdir says ENOENT on a read-only file system, which is no reason to show a user. */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const errno = findErrno(error);
    if (errno === 'EEXIST') return;
    if (errno !== 'ENOENT' || dirname(path) === path) throw error;
    await makeFolder(dirname(path));
    await makeFolder(path);
  }
}
