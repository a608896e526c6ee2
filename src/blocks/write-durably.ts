/** Writes a file so that it is there whole or not at all, even after a power cut; the discipline of docs/format.md, "The cache". */
import { randomBytes } from 'node:crypto';
import { type FileHandle, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { tryLockFile } from '../addon/file-lock.ts';
import { findErrno } from '../errors.ts';

const partialSuffix = '.partial';

/** Of a file that somebody else removed, or may remove and we may not: sweeping is no reason to fail. */
const othersReasons: readonly string[] = ['ENOENT', 'EACCES', 'EPERM', 'EROFS'];

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
  const { handle, partial } = await openPartial(join(folder, `.${basename(path)}`));
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

async function removeIfStale(path: string): Promise<void> {
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

/** Another process may take a new file for stale between our open and our lock: then it is gone, and we start again. */
async function openPartial(stem: string): Promise<{ handle: FileHandle; partial: string }> {
  for (;;) {
    const partial = `${stem}.${randomBytes(8).toString('hex')}${partialSuffix}`;
    const handle = await open(partial, 'wx+', 0o644);
    try {
      if (tryLockFile(handle.fd) && (await isSameFile(handle, partial))) return { handle, partial };
    } catch (error) {
      await handle.close();
      throw error;
    }
    await handle.close();
  }
}

async function isSameFile(handle: FileHandle, path: string): Promise<boolean> {
  try {
    return (await stat(path)).ino === (await handle.stat()).ino;
  } catch (error) {
    if (findErrno(error) === 'ENOENT') return false;
    throw error;
  }
}

/** Some file systems (SMB, some FUSE) cannot fsync a folder; there the rename is as durable as they make it. */
async function syncFolder(path: string): Promise<void> {
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
