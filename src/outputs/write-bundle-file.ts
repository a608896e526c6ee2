/** Writes a virtual file to a plain file: whole and durable, or not at all. */
import { stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { removeStalePartials, startDurableFile } from '../blocks/write-durably.ts';
import { type Digest, finishDigest, startDigest } from '../digest.ts';
import { BundleError, describeError, findErrno, isBundleError } from '../errors.ts';
import type { VirtualFile } from '../file/virtual-file.ts';

export interface WriteBundleFileOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

export interface WrittenFile {
  readonly path: string;
  readonly size: number;
  readonly digest: Digest;
}

/**
 * Writes `file` to `path`, replacing a file that is there in one step at the end. What an earlier run that was killed
 * left half-written beside it is removed. Throws output-full, output-failed and what reading throws.
 */
export async function writeBundleFile(
  file: VirtualFile,
  path: string,
  options: WriteBundleFileOptions = {},
): Promise<WrittenFile> {
  const target = resolve(path);
  await withOutputErrors(target, async () => {
    await checkTarget(target);
    await removeStalePartials(dirname(target), basename(target));
  });
  const hash = startDigest();
  let size = 0;
  await withOutputErrors(target, async () => {
    await using output = await startDurableFile(target);
    for await (const chunk of file.stream(options.signal ? { signal: options.signal } : {})) {
      hash.update(chunk);
      await output.handle.writeFile(chunk);
      size += chunk.length;
      options.onProgress?.(size, file.size);
    }
    await output.commit(file.size);
  });
  return { path: target, size, digest: finishDigest(hash) };
}

/** Checks before the work begins that `path` can be written: fails for a folder, or a folder that is missing. */
export async function checkTarget(path: string): Promise<void> {
  const info = await stat(path).catch((error: unknown) => {
    if (findErrno(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (info !== undefined && !info.isFile()) {
    throw new BundleError(
      'output-failed',
      `Cannot write "${path}": there is ${info.isDirectory() ? 'a folder' : 'no regular file'} of that name`,
    );
  }
  const folder = await stat(dirname(path)).catch(() => undefined);
  if (folder?.isDirectory() !== true) {
    throw new BundleError('output-failed', `Cannot write "${path}": there is no folder "${dirname(path)}"`, {
      hint: `Make it first: mkdir -p ${dirname(path)}`,
    });
  }
}

async function withOutputErrors(path: string, action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    if (isBundleError(error)) throw error;
    const errno = findErrno(error);
    if (errno === undefined) throw error;
    const isFull = errno === 'ENOSPC' || errno === 'EDQUOT' || errno === 'EFBIG';
    throw new BundleError(
      isFull ? 'output-full' : 'output-failed',
      `Cannot write "${path}": ${isFull ? 'the bundle does not fit on its disk' : describeError(error)}`,
      { cause: error },
    );
  }
}
