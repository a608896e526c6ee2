/** Reads files back from the device that they lie on, past what the kernel has of them in memory. */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { allocateAligned, directAlignment, dropFileCache } from '../../addon/device-io.ts';
import { type Digest, finishDigest, startDigest } from '../../ground/digest.ts';
import { findErrno } from '../../ground/errors.ts';

/** Large enough for USB, a multiple of all that devices read at once. */
const chunkSize = 4 * 2 ** 20;

/** `direct`: with O_DIRECT. `dropped`: as other reads, after the kernel was told to forget the file, which it may not heed. */
export type DeviceReadKind = 'direct' | 'dropped';

export interface DeviceFile extends AsyncDisposable {
  readonly size: number;
  readonly kind: DeviceReadKind;
  /**
   * The bytes up to `end` (the size), front to back. A chunk is overwritten when the next is asked for.
   * Throws what the system says, and an error with the code EIO where the file ends early.
   */
  chunks(options?: DeviceReadOptions): AsyncIterable<Uint8Array>;
}

export interface DeviceReadOptions {
  readonly end?: number;
  readonly signal?: AbortSignal;
}

/** Opens the file at `path`; what was written to it should be on the device, by fsync. */
export async function openDeviceFile(path: string): Promise<DeviceFile> {
  const { handle, kind } = await openHandle(path);
  try {
    dropFileCache(handle.fd); // and with O_DIRECT, too: btrfs, for one, may read through the cache all the same
    const { size } = await handle.stat();
    return {
      size,
      kind,
      chunks: (options) => readDirectly(handle, size, options),
      [Symbol.asyncDispose]: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/**
 * Lets the kernel forget what it has of a whole block device: of one that another program (exFAT or NTFS in FUSE)
 * reads for the file system. Does nothing where `path` is no device, or this user may not read it.
 */
export async function forgetDevice(path: string): Promise<void> {
  if (!path.startsWith('/dev/')) return;
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(() => undefined);
  if (handle === undefined) return;
  try {
    if ((await handle.stat()).isBlockDevice()) dropFileCache(handle.fd);
  } finally {
    await handle.close();
  }
}

/** There are file systems that refuse O_DIRECT, and some that take it and then refuse to read. */
async function openHandle(path: string): Promise<{ handle: FileHandle; kind: DeviceReadKind }> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_DIRECT | constants.O_NOFOLLOW);
    await handle.read(allocateAligned(directAlignment), 0, directAlignment, 0);
    return { handle, kind: 'direct' };
  } catch (error) {
    await handle?.close();
    if (findErrno(error) !== 'EINVAL') throw error;
  }
  return { handle: await open(path, constants.O_RDONLY | constants.O_NOFOLLOW), kind: 'dropped' };
}

/** Two buffers: one is filled while the other is looked at. */
async function* readDirectly(
  handle: FileHandle,
  size: number,
  { end = size, signal }: DeviceReadOptions = {},
): AsyncGenerator<Uint8Array> {
  const roundedSize = Math.ceil(Math.min(end, chunkSize) / directAlignment) * directAlignment;
  if (roundedSize === 0) return;
  let [filling, other] = [allocateAligned(roundedSize), allocateAligned(roundedSize)] as const;
  const fill = (position: number): Promise<number> =>
    readChunk(handle, filling, position, Math.min(end - position, roundedSize));
  signal?.throwIfAborted();
  let pending = fill(0);
  for (let position = 0; position < end;) {
    signal?.throwIfAborted();
    const count = await pending;
    const chunk = filling.subarray(0, count);
    position += count;
    [filling, other] = [other, filling];
    if (position < end) {
      pending = fill(position);
      pending.catch(() => undefined); // thrown where it is awaited, which the consumer may never come to
    }
    try {
      yield chunk;
    } finally {
      // Whoever stops early closes the file next, and no read may be under way then.
      await pending.catch(() => undefined);
    }
  }
}

/** Fills `wanted` bytes of `target`. Only the read that meets the end of the file may be one of odd size. */
async function readChunk(handle: FileHandle, target: Buffer, start: number, wanted: number): Promise<number> {
  let done = 0;
  while (done < wanted) {
    const { bytesRead } = await handle.read(target, done, target.length - done, start + done);
    done += bytesRead;
    if (done >= wanted) break;
    if (bytesRead === 0 || bytesRead % directAlignment !== 0) {
      const found = `the file ends at ${start + done}, before it should`;
      throw Object.assign(new Error(found), { code: 'EIO' });
    }
  }
  return wanted;
}

/** The digest of the file at `path`, as it lies on the device. */
export async function hashOnDevice(
  path: string,
  options: { readonly signal?: AbortSignal; readonly onRead?: (count: number) => void } = {},
): Promise<{ readonly digest: Digest; readonly kind: DeviceReadKind }> {
  await using file = await openDeviceFile(path);
  const hash = startDigest();
  for await (const chunk of file.chunks(options.signal && { signal: options.signal })) {
    hash.update(chunk);
    options.onRead?.(chunk.length);
  }
  return { digest: finishDigest(hash), kind: file.kind };
}
