/** Makes a folder and those above it, with the true reason where that fails. */
import { chmod, mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { findErrno } from '../errors.ts';

/** Set-group-ID and writable by the group: its owner has made it for a group to share. */
const sharedBits = 0o2020;

/**
 * Node's own recursive mkdir says ENOENT on a read-only file system, which is no reason to show a user. In a folder that
 * a group shares the new one is shared, too, whatever the umask: else the cache would belong to whoever built first.
 */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const errno = findErrno(error);
    if (errno === 'EEXIST') return;
    if (errno !== 'ENOENT' || dirname(path) === path) throw error;
    await makeFolder(dirname(path));
    await makeFolder(path);
    return;
  }
  const { mode } = await stat(dirname(path));
  if ((mode & sharedBits) === sharedBits) await chmod(path, mode & 0o7777);
}
