/** Writes a virtual file to a plain file: whole and durable, or not at all. */
import { constants } from 'node:fs';
import { access, type FileHandle, open, readlink, realpath, stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { removeStalePartials, startDurableFile } from '../../disk/write-durably.ts';
import { type Digest, finishDigest, startDigest } from '../../ground/digest.ts';
import { BundleError, describeError, findErrno, isBundleError } from '../../ground/errors.ts';
import type { VirtualFile } from '../../file/virtual-file.ts';

export interface WriteBundleFileOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
  /** The digest of the file, where it is known already. */
  readonly knownDigest?: Digest | undefined;
}

export interface WrittenFile {
  readonly path: string;
  readonly size: number;
  readonly digest: Digest;
  /** False where the file that was there had the same bytes: it was left alone, with its times. */
  readonly isNew: boolean;
}

/**
 * Writes `file` to `path`, replacing a file that is there in one step at the end; one with the same bytes is left as it
 * is. What an earlier run that was killed left half-written beside it is removed. Throws output-full, output-failed and
 * what reading throws.
 */
export async function writeBundleFile(
  file: VirtualFile,
  path: string,
  options: WriteBundleFileOptions = {},
): Promise<WrittenFile> {
  const target = await checkTarget(path);
  const { size } = file;
  return withOutputErrors(target, async () => {
    await removeStalePartials(dirname(target), basename(target));
    const found = await findSameBytes(file, target, options);
    if (found !== undefined) return { path: target, size, digest: found, isNew: false };
    return { path: target, size, digest: await writeNew(file, target, options), isNew: true };
  });
}

/** The digest of `file` where `path` has its bytes; undefined at the first byte that differs. */
async function findSameBytes(
  file: VirtualFile,
  path: string,
  { signal, onProgress, knownDigest }: WriteBundleFileOptions,
): Promise<Digest | undefined> {
  const there = await open(path, 'r').catch(() => undefined);
  if (there === undefined) return undefined; // whatever is in the way shows when it is written
  try {
    if ((await there.stat()).size !== file.size) return undefined;
    const hash = knownDigest === undefined ? startDigest() : undefined;
    let other = Buffer.alloc(0);
    let done = 0;
    for await (const chunk of file.stream(signal ? { signal } : {})) {
      if (other.length < chunk.length) other = Buffer.allocUnsafeSlow(chunk.length);
      const { bytesRead } = await there.read(other, 0, chunk.length, done);
      if (!other.subarray(0, bytesRead).equals(chunk)) return undefined;
      hash?.update(chunk);
      done += chunk.length;
      onProgress?.(done, file.size);
    }
    return hash === undefined ? knownDigest : finishDigest(hash);
  } finally {
    await there.close();
  }
}

async function writeNew(
  file: VirtualFile,
  target: string,
  { signal, onProgress }: WriteBundleFileOptions,
): Promise<Digest> {
  const hash = startDigest();
  let size = 0;
  await using output = await startDurableFile(target);
  for await (const chunk of file.stream(signal ? { signal } : {})) {
    hash.update(chunk);
    await output.handle.writeFile(chunk);
    size += chunk.length;
    onProgress?.(size, file.size);
  }
  await keepMode(target, output.handle);
  await output.commit(file.size);
  return finishDigest(hash);
}

/**
 * Checks before the work begins that `path` can be written, and returns the file that it stands for: the target of a
 * link, for that is what is replaced. Throws output-failed for a folder, a device, and a folder that is missing or
 * cannot be written to.
 */
export async function checkTarget(path: string): Promise<string> {
  const named = resolve(path);
  return withOutputErrors(named, async () => {
    if (isDevice(named) || isDevice((await readLink(named)) ?? '')) {
      throw new BundleError('output-failed', `Cannot write "${path}": a file was expected, not a device`, {
        hint: 'To write to standard output, use: bundlefs stream',
      });
    }
    const target = await realpath(named).catch(unlessMissing(named));
    const info = await stat(target).catch(unlessMissing(undefined));
    if (info !== undefined && !info.isFile()) {
      const found = info.isDirectory() ? 'a folder' : 'no regular file';
      throw new BundleError('output-failed', `Cannot write "${path}": there is ${found} of that name`);
    }
    const folder = dirname(target);
    const isFolder = await stat(folder).then((found) => found.isDirectory(), unlessMissing(false));
    if (!isFolder) {
      throw new BundleError('output-failed', `Cannot write "${path}": there is no folder "${folder}"`, {
        hint: `Make it first: mkdir -p ${folder}`,
      });
    }
    await access(folder, constants.W_OK);
    return target;
  });
}

function isDevice(path: string): boolean {
  return /^\/(?:dev|proc)\//.test(path) && !path.startsWith('/dev/shm/');
}

async function readLink(path: string): Promise<string | undefined> {
  return readlink(path).then(
    (target) => resolve(dirname(path), target),
    () => undefined,
  );
}

function unlessMissing<T>(value: T): (error: unknown) => T {
  return (error) => {
    if (findErrno(error) === 'ENOENT' || findErrno(error) === 'ENOTDIR') return value;
    throw error;
  };
}

/** Of a file that is replaced; a new one has what the umask leaves. */
async function keepMode(path: string, handle: FileHandle): Promise<void> {
  const info = await stat(path).catch(unlessMissing(undefined));
  if (info !== undefined) await handle.chmod(info.mode & 0o777);
}

const reasons: Readonly<Record<string, string>> = {
  EROFS: 'the file system is read-only',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
};

async function withOutputErrors<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (isBundleError(error)) throw error;
    const errno = findErrno(error);
    if (errno === undefined) throw error;
    const isFull = errno === 'ENOSPC' || errno === 'EDQUOT' || errno === 'EFBIG';
    const reason = isFull ? 'the bundle does not fit on its disk' : (reasons[errno] ?? describeError(error));
    throw new BundleError(isFull ? 'output-full' : 'output-failed', `Cannot write "${path}": ${reason}`, {
      cause: error,
    });
  }
}
