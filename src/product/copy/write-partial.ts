/** Writes one file of a stick under its temporary name, going on where an earlier copy was stopped. */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { readFully } from '../../file/read-chunks.ts';
import { findErrno } from '../../ground/errors.ts';
import type { CopyFile } from './copy-source.ts';
import { openDeviceFile } from './device-file.ts';

/** After so many bytes they are brought to the device: what a stick keeps that is pulled out, and how far progress is true. */
const syncSize = 32 * 2 ** 20;

export interface WritePartialOptions {
  readonly signal?: AbortSignal;
  /** Told how many more bytes of what lies there were found right. */
  readonly onFound?: (count: number) => void;
  /** Told how many more bytes are on the device. */
  readonly onWritten?: (count: number) => void;
}

/**
 * Makes the file at `path` have the bytes of `file`: what it has already is read back and compared, and kept up to the
 * first chunk with a difference. All of it is on the device then. Leaves the file as it is where it throws.
 */
export async function writePartial(
  file: CopyFile,
  path: string,
  options: WritePartialOptions = {},
): Promise<void> {
  const start = await findCommonSize(file, path, options);
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW;
  const handle = await open(path, flags, 0o644);
  try {
    if ((await handle.stat()).size > start) await handle.truncate(start);
    await writeFrom(file, handle, start, options);
    await setProperties(file, handle);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** How many bytes at the start of the file at `path` are those of `file`, in whole chunks; 0 where it is not there. */
async function findCommonSize(
  { content }: CopyFile,
  path: string,
  { signal, onFound }: WritePartialOptions,
): Promise<number> {
  let done = 0;
  try {
    await using there = await openDeviceFile(path);
    const end = Math.min(there.size, content.size);
    let expected = Buffer.alloc(0);
    for await (const chunk of there.chunks({ end, signal })) {
      if (expected.length < chunk.length) expected = Buffer.allocUnsafeSlow(chunk.length);
      const wanted = expected.subarray(0, chunk.length);
      await readFully(content, wanted, done);
      if (!wanted.equals(chunk)) break;
      done += chunk.length;
      onFound?.(chunk.length);
    }
  } catch (error) {
    // What cannot be read back is written again.
    if (!['ENOENT', 'EIO', 'EBADMSG'].includes(findErrno(error) ?? '')) throw error;
  }
  return done;
}

async function writeFrom(
  { content }: CopyFile,
  handle: FileHandle,
  start: number,
  { signal, onWritten }: WritePartialOptions,
): Promise<void> {
  let position = start;
  let syncedTo = start;
  const sync = async (): Promise<void> => {
    await handle.datasync();
    onWritten?.(position - syncedTo);
    syncedTo = position;
  };
  for await (const chunk of content.stream({ start, signal })) {
    await writeFully(handle, chunk, position);
    position += chunk.length;
    if (position - syncedTo >= syncSize) await sync();
  }
  if (position > syncedTo) await sync();
}

async function writeFully(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
    if (bytesWritten === 0) throw Object.assign(new Error('nothing could be written'), { code: 'EIO' });
    done += bytesWritten;
  }
}

/** The owner may write: the next copy does. Where a file system knows no permissions or times, there are none. */
async function setProperties({ mode, mtimeMs }: CopyFile, handle: FileHandle): Promise<void> {
  for (const action of [
    () => handle.chmod(mode | 0o200),
    () => handle.utimes(mtimeMs / 1000, mtimeMs / 1000),
  ]) {
    await action().catch((error: unknown) => {
      if (!['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP'].includes(findErrno(error) ?? '')) throw error;
    });
  }
}
