/** Files in folders of ours (the cache, the state folder, control folders): no link is followed, no pipe is waited for, only regular files are taken. */
import { constants, type Stats } from 'node:fs';
import { type FileHandle, lstat, open, rename, unlink } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { findErrno } from '../../ground/errors.ts';
import { describeKind, ForeignThingError } from './foreign-thing.ts';
import { openOwnFolder } from './open-folder.ts';

/** Far above every honest file of ours that is read whole. */
export const largestDocument = 64 * 1024 * 1024;

/**
 * Opens the regular file at `path`; undefined where there is none. `flags` are of open(2), for reading where left out; a
 * file with a second name is not opened for writing. Throws ForeignThingError.
 */
export async function openOwnFile(path: string, flags = constants.O_RDONLY): Promise<FileHandle | undefined> {
  using folder = findFolder(path);
  if (folder === undefined) return undefined;
  return await folder.run(async () => {
    let handle;
    try {
      handle = await open(
        folder.at(basename(path)),
        flags | constants.O_NOFOLLOW | constants.O_NONBLOCK,
        0o600,
      );
    } catch (error) {
      if (findErrno(error) === 'ENOENT') return undefined;
      throw (await explain(path, folder.at(basename(path)))) ?? error;
    }
    try {
      const info = await handle.stat();
      checkFile(path, info);
      if ((flags & (constants.O_WRONLY | constants.O_RDWR)) !== 0 && info.nlink > 1) {
        throw new ForeignThingError(path, 'has another name, and may be a file that is none of ours');
      }
      return handle;
    } catch (error) {
      await handle.close();
      throw error;
    }
  });
}

/** All bytes of the regular file at `path`, at most `largestSize`; undefined where there is none. Throws ForeignThingError. */
export function readOwnFile(path: string, largestSize = largestDocument): Promise<Buffer | undefined> {
  return read(path, largestSize, () => true);
}

/** The same, but undefined, too, where others than this user may have written the file: what it says must not be believed. */
export function readPrivateFile(path: string, largestSize = largestDocument): Promise<Buffer | undefined> {
  return read(path, largestSize, isPrivate);
}

/** Adds `text` to the end of the file at `path`, as appendOwnFile does; a file that others may have written is removed first. Throws ForeignThingError. */
export async function appendPrivateFile(path: string, text: string): Promise<void> {
  const info = await findOwnFile(path);
  if (info !== undefined && !isPrivate(info)) await removeOwnFile(path);
  await appendOwnFile(path, text);
}

function isPrivate({ uid, mode, nlink }: Stats): boolean {
  return uid === process.getuid?.() && (mode & 0o022) === 0 && nlink === 1;
}

async function read(
  path: string,
  largestSize: number,
  isTaken: (info: Stats) => boolean,
): Promise<Buffer | undefined> {
  const handle = await openOwnFile(path);
  if (handle === undefined) return undefined;
  try {
    const info = await handle.stat();
    if (!isTaken(info)) return undefined;
    const { size } = info;
    if (size > largestSize)
      throw new ForeignThingError(path, `has ${size} bytes, more than such a file can have`);
    const bytes = Buffer.allocUnsafeSlow(size);
    let done = 0;
    while (done < size) {
      const { bytesRead } = await handle.read(bytes, done, size - done, done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return bytes.subarray(0, done);
  } finally {
    await handle.close();
  }
}

/** Adds `text` to the end of the file at `path`, which is made for this user alone where it is missing. Throws ForeignThingError. */
export async function appendOwnFile(path: string, text: string): Promise<void> {
  const handle = await openOwnFile(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT);
  if (handle === undefined) return;
  try {
    await handle.writeFile(text);
  } finally {
    await handle.close();
  }
}

/** What stat(2) says of the regular file at `path`; undefined where there is none. Throws ForeignThingError. */
export async function findOwnFile(path: string): Promise<Stats | undefined> {
  using folder = findFolder(path);
  if (folder === undefined) return undefined;
  return await folder.run(async () => {
    const info = await unlessMissing(lstat(folder.at(basename(path))));
    if (info !== undefined) checkFile(path, info);
    return info;
  });
}

/** Removes the name `path`, whatever it is but a folder; a link goes, and not what it leads to. One that is gone is fine. Throws ForeignThingError. */
export async function removeOwnFile(path: string): Promise<void> {
  using folder = findFolder(path);
  if (folder === undefined) return;
  await folder.run(async () => {
    try {
      await unlessMissing(unlink(folder.at(basename(path))));
    } catch (error) {
      throw (await explain(path, folder.at(basename(path)))) ?? error;
    }
  });
}

/** Moves what is at `path`, itself and not what it may lead to, into another folder of ours. One that is gone is fine. */
export async function moveOwnFile(path: string, to: string): Promise<void> {
  using folder = findFolder(path);
  if (folder === undefined) return;
  using target = openOwnFolder(dirname(to));
  await target.run(() =>
    folder.run(async () => {
      await unlessMissing(rename(folder.at(basename(path)), target.at(basename(to))));
    }),
  );
}

/** The folder of `path`, or undefined where there is none. */
function findFolder(path: string): ReturnType<typeof openOwnFolder> | undefined {
  try {
    return openOwnFolder(dirname(path));
  } catch (error) {
    if (findErrno(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function checkFile(path: string, info: Stats): void {
  if (!info.isFile()) throw new ForeignThingError(path, `${describeKind(info)}, not a file`);
}

/** What is at `path`, where that is why it could not be opened or removed. */
async function explain(path: string, place: string): Promise<ForeignThingError | undefined> {
  const info = await lstat(place).catch(() => undefined);
  return info === undefined || info.isFile()
    ? undefined
    : new ForeignThingError(path, `${describeKind(info)}, not a file`);
}

async function unlessMissing<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found;
  } catch (error) {
    if (findErrno(error) === 'ENOENT') return undefined;
    throw error;
  }
}
