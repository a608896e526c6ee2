/** Writes a file so that it is there whole or not at all, even after a power cut; the discipline of docs/format.md, "The cache". */
import { randomBytes } from 'node:crypto';
import { type FileHandle, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { findErrno } from '../errors.ts';
import { openLockedFile, removeIfStale } from './locked-file.ts';

const partialSuffix = '.partial';

/** A file being written under a temporary name. Disposing of it before `commit` removes it. */
export interface DurableFile extends AsyncDisposable {
  readonly handle: FileHandle;
  /** fsync, check that it has `size` bytes, rename to the final path, fsync the directory. */
  commit(size: number): Promise<void>;
}

/**
 * Starts a file that will stand at `path`, as a partial file in `folder`, which must be on the same file system.
 * While it is written it is locked (flock): a partial file that nobody has locked belongs to a dead process, in
 * whichever container that lived, and removeStalePartials takes it away.
 */
export async function startDurableFile(path: string, folder: string = dirname(path)): Promise<DurableFile> {
  const stem = join(folder, `.${basename(path)}`);
  const { handle, path: partial } = await openLockedFile(
    () => `${stem}.${randomBytes(8).toString('hex')}${partialSuffix}`,
  );
  let isDone = false;
  return {
    handle,
    async commit(size) {
      await handle.sync();
      const written = (await handle.stat()).size;
      if (written !== size) throw shortWrite(partial, written, size);
      await rename(partial, path);
      isDone = true;
      await handle.close();
      await syncFolder(dirname(path));
    },
    async [Symbol.asyncDispose]() {
      if (isDone) return;
      isDone = true;
      await rm(partial, { force: true });
      await handle.close();
    },
  };
}

/** Writes `bytes` to `path` in that way. */
export async function writeDurably(path: string, bytes: Uint8Array, folder?: string): Promise<void> {
  await using file = await startDurableFile(path, folder);
  await file.handle.writeFile(bytes);
  await file.commit(bytes.length);
}

/** Removes the partial files in `folder` that dead processes left, all of them or those of the final name `name`. */
export async function removeStalePartials(folder: string, name?: string): Promise<void> {
  for (const entry of await readdir(folder)) {
    if (!entry.endsWith(partialSuffix)) continue;
    if (name !== undefined && !entry.startsWith(`.${name}.`)) continue;
    await removeIfStale(join(folder, entry));
  }
}

/** Makes durable which names the folder at `path` has. Some file systems (SMB, some FUSE) cannot: there a rename is as durable as they make it. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } catch (error) {
    if (!['EINVAL', 'ENOTSUP', 'EOPNOTSUPP'].includes(findErrno(error) ?? '')) throw error;
  } finally {
    await folder.close();
  }
}

/** Seen on network file systems that run out of space after they have said yes. */
function shortWrite(path: string, written: number, size: number): Error {
  return Object.assign(new Error(`"${path}" has ${written} bytes instead of ${size}`), { code: 'EIO' });
}
