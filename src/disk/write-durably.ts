/** Writes a file so that it is there whole or not at all, even after a power cut; the discipline of docs/format.md, "The cache". */
import { randomBytes } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { type FileHandle, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { openLockedFile, removeIfStale } from './locked-file.ts';
import { listOwnFiles } from './own/list-own-files.ts';
import { type OpenFolder, openNamedFolder, openOwnFolder } from './own/open-folder.ts';

const partialForm = /^\..+\.[0-9a-f]+\.partial$/;

/** A file being written under a temporary name. Disposing of it before `commit` removes it. */
export interface DurableFile extends AsyncDisposable {
  readonly handle: FileHandle;
  /** fsync, check that it has `size` bytes, rename to the final path, fsync the directory. Returns the file's stamp (see stampFiles). */
  commit(size: number): Promise<string>;
}

type Opener = (path: string) => OpenFolder;

/**
 * Starts a file that will stand at `path`, which the user named, as a partial file beside it. While it is written it is
 * locked (flock): a partial file that nobody has locked belongs to a dead process, in whichever container that lived,
 * and removeStalePartials takes it away.
 */
export function startDurableFile(path: string): Promise<DurableFile> {
  return start(path, dirname(path), openNamedFolder);
}

/** The same in a folder of ours, by way of `partials`, one on the same file system. Throws ForeignThingError. */
export function startOwnFile(path: string, partials: string): Promise<DurableFile> {
  return start(path, partials, openOwnFolder);
}

/** Writes `bytes` to `path` in that way. */
export async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  await using file = await startDurableFile(path);
  await file.handle.writeFile(bytes);
  await file.commit(bytes.length);
}

/** Writes `bytes` to `path`, in a folder of ours, in that way. Throws ForeignThingError. */
export async function writeOwnFile(path: string, bytes: Uint8Array, partials: string): Promise<void> {
  await using file = await startOwnFile(path, partials);
  await file.handle.writeFile(bytes);
  await file.commit(bytes.length);
}

/** Removes the partial files of the final name `name` that dead processes left in `folder`, which the user named. */
export async function removeStalePartials(folder: string, name: string): Promise<void> {
  using open = openNamedFolder(folder);
  await open.run(async () => {
    for (const entry of await readdir(open.at('.'))) {
      if (partialForm.test(entry) && entry.startsWith(`.${name}.`)) await removeIfStale(open, entry);
    }
  });
}

/** Removes all partial files in a folder of ours that dead processes left. Throws ForeignThingError. */
export async function sweepPartials(path: string): Promise<void> {
  using folder = openOwnFolder(path);
  for (const { name } of await listOwnFiles(path, partialForm)) await removeIfStale(folder, name);
}

/** Makes durable which names the folder at `path`, which the user named, has. */
export function syncFolder(path: string): Promise<void> {
  return Promise.resolve().then(() => {
    using folder = openNamedFolder(path);
    folder.sync();
  });
}

async function start(path: string, partials: string, open: Opener): Promise<DurableFile> {
  const { handle, name } = await createPartial(path, partials, open);
  let isDone = false;
  const inFolders = async <T>(action: (from: OpenFolder, to: OpenFolder) => Promise<T>): Promise<T> => {
    using from = open(partials);
    using to = open(dirname(path));
    return await from.run(() => to.run(() => action(from, to)));
  };
  return {
    handle,
    async commit(size) {
      await handle.sync();
      const written = (await handle.stat()).size;
      if (written !== size) throw shortWrite(path, written, size);
      return inFolders(async (from, to) => {
        await rename(from.at(name), to.at(basename(path)));
        isDone = true;
        // Of this very file, and not of another that was put in its place meanwhile.
        const stamp = stampOf(await handle.stat({ bigint: true }));
        await handle.close();
        to.sync();
        return stamp;
      });
    },
    async [Symbol.asyncDispose]() {
      if (isDone) return;
      isDone = true;
      await inFolders((from) => rm(from.at(name), { force: true }));
      await handle.close();
    },
  };
}

async function createPartial(
  path: string,
  partials: string,
  open: Opener,
): Promise<{ readonly handle: FileHandle; readonly name: string }> {
  using folder = open(partials);
  return await openLockedFile(folder, () => `.${basename(path)}.${randomBytes(8).toString('hex')}.partial`);
}

function stampOf({ ino, mtimeNs, ctimeNs }: BigIntStats): string {
  const toText = (ns: bigint): string =>
    `${ns / 1_000_000_000n}.${String(ns % 1_000_000_000n).padStart(9, '0')}`;
  return `${ino} ${toText(mtimeNs)} ${toText(ctimeNs)}`;
}

/** Seen on network file systems that run out of space after they have said yes. */
function shortWrite(path: string, written: number, size: number): Error {
  return Object.assign(new Error(`"${path}" has ${written} bytes instead of ${size}`), { code: 'EIO' });
}
