/** Makes a folder and those above it, with the true reason where that fails. */
import { fchmodSync, mkdirSync } from 'node:fs';
import { chmod, mkdir, readlink, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { findErrno } from '../ground/errors.ts';
import { type OpenFolder, openOwnFolder } from './own/open-folder.ts';

/** Set-group-ID and writable by the group: its owner has made it for a group to share. */
const sharedBits = 0o2020;

/**
 * A folder that the user named, and those above it that are missing; returns whether it was missing. Node's own recursive
 * mkdir says ENOENT on a read-only file system, which is no reason to show a user, and tries for ever where a folder
 * cannot be made in one that exists, such as /proc. In a folder that a group shares the new one is shared, too, whatever
 * the umask: else the cache would belong to whoever built first.
 */
export async function makeNamedFolder(path: string): Promise<boolean> {
  try {
    return await makeOne(path);
  } catch (error) {
    if (findErrno(error) !== 'ENOENT' || dirname(path) === path) throw error;
  }
  await makeNamedFolder(dirname(path));
  try {
    return await makeOne(path); // once more, and no more often: above it there is a folder now
  } catch (error) {
    throw (await findDeadLink(dirname(path))) ?? error;
  }
}

async function makeOne(path: string): Promise<boolean> {
  try {
    await mkdir(path);
  } catch (error) {
    if (findErrno(error) !== 'EEXIST') throw error;
    const deadLink = await findDeadLink(path);
    if (deadLink !== undefined) throw deadLink;
    return false;
  }
  const { mode } = await stat(dirname(path));
  if ((mode & sharedBits) === sharedBits) await chmod(path, mode & 0o7777);
  return true;
}

/** The error for a link to a folder that does not exist, such as one on a disk that is not mounted; undefined where `path` is none. */
async function findDeadLink(path: string): Promise<Error | undefined> {
  const target = await readlink(path).catch(() => undefined);
  if (target === undefined) return undefined;
  const isThere = await stat(path).then(
    () => true,
    (error: unknown) => findErrno(error) !== 'ENOENT',
  );
  if (isThere) return undefined;
  return Object.assign(new Error(`"${path}" is a link to "${target}", which does not exist`), {
    code: 'ENOTDIR',
  });
}

/** The same for a folder of ours, with those above it that are missing; `mode` as of mkdir(2). Throws ForeignThingError. */
export async function makeOwnFolder(path: string, mode = 0o777): Promise<void> {
  (await openMadeFolder(path, mode))[Symbol.dispose]();
}

async function openMadeFolder(path: string, mode: number): Promise<OpenFolder> {
  try {
    return openOwnFolder(path);
  } catch (error) {
    if (findErrno(error) !== 'ENOENT' || dirname(path) === path) throw error;
  }
  using above = await openMadeFolder(dirname(path), mode);
  return await above.run(() => {
    makeIn(above, basename(path), mode);
    const made = openOwnFolder(path);
    const { mode: modeAbove } = above.info;
    const { uid } = made.info;
    if ((modeAbove & sharedBits) === sharedBits && uid === process.getuid?.()) {
      fchmodSync(made.fd, modeAbove & 0o7777);
    }
    return Promise.resolve(made);
  });
}

function makeIn(above: OpenFolder, name: string, mode: number): void {
  try {
    mkdirSync(above.at(name), { mode });
  } catch (error) {
    if (findErrno(error) !== 'EEXIST') throw error; // another process was first
  }
}
