/** A plain file on disk as a virtual file. */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { BundleError, describeError, findErrno } from '../ground/errors.ts';
import { readChunks } from './read-chunks.ts';
import type { VirtualFile } from './virtual-file.ts';

/**
 * Opens the regular file at `path` for reading. Throws archive-not-found, archive-empty, archive-unsupported or
 * source-failed, which reading throws, too.
 */
export async function openDiskFile(path: string): Promise<VirtualFile> {
  // Without O_NONBLOCK, opening a named pipe that nobody writes to would never return, and not be ended by anything.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) => {
    throw toArchiveError(path, error);
  });
  const info = await handle.stat().catch(async (error: unknown) => {
    await handle.close();
    throw toArchiveError(path, error);
  });
  if (!info.isFile() || info.size === 0) {
    await handle.close();
    if (info.isFile()) throw new BundleError('archive-empty', `Cannot read "${path}": the file is empty`);
    if (!info.isDirectory()) {
      throw new BundleError('archive-unsupported', `Cannot read "${path}": it is not a regular file`);
    }
    throw new BundleError(
      'archive-unsupported',
      `Cannot read "${path}": it is a folder, a file was expected`,
      {
        hint: 'In a folder copied from a mount, name images.tar.xz, or check it all: sh verify.sh',
      },
    );
  }
  const file: VirtualFile = {
    size: info.size,
    async read(target, position) {
      try {
        return (await handle.read(target, 0, target.length, position)).bytesRead;
      } catch (error) {
        throw toArchiveError(path, error);
      }
    },
    stream: (options) => readChunks(file, options),
    close: () => handle.close(),
  };
  return file;
}

function toArchiveError(path: string, error: unknown): BundleError {
  const errno = findErrno(error);
  if (errno === 'ENOENT' || errno === 'ENOTDIR') {
    return new BundleError('archive-not-found', `Cannot read "${path}": there is no such file`, {
      cause: error,
    });
  }
  return new BundleError('source-failed', `Cannot read "${path}": ${describeError(error)}`, { cause: error });
}
