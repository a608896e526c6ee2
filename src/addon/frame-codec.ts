/** Encodes and decodes single zstd frames (RFC 8878 §3.1.1) with libzstd, off the main thread. */
import { setMaxListeners } from 'node:events';
import { BundleError } from '../ground/errors.ts';
import { loadAddon } from './load-addon.ts';

export interface EncodedFrame {
  /** The whole frame, with content size and checksum. */
  readonly bytes: Buffer;
  /** CRC64 of `bytes`, 16 hex digits. */
  readonly crc64: string;
}

export interface EncodeFrameOptions {
  /** A frame that waits is not begun, one under way is broken off; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Higher ones need windows of more than 8 MiB, which a decoder may refuse (RFC 8878 §3.1.1.1.2). */
export const highestFrameLevel = 19;

/** lzma_ret, in which the encoder pool answers for frames, too. */
const ok = 0;
const noMemory = 5;

/**
 * Encodes `content` as one frame whose bytes depend on `content`, `level` (1 to 19) and the version of libzstd alone.
 * Runs on the threads that encode blocks. `content` is not copied: the caller must not change it before the promise
 * settles. Throws encode-failed.
 */
export async function encodeFrame(
  content: Uint8Array,
  level: number,
  { signal }: EncodeFrameOptions = {},
): Promise<EncodedFrame> {
  const addon = loadAddon();
  checkBytes('content', content);
  if (!Number.isInteger(level) || level < 1 || level > highestFrameLevel) {
    throw new RangeError(`level is ${level}, and must be 1 to ${highestFrameLevel}`);
  }
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const request = addon.startFrame(content, level, (status, bytes, _size, crc64) => {
      signal?.removeEventListener('abort', cancel);
      if (signal?.aborted === true) reject(signal.reason as Error);
      else if (status === ok) resolve({ bytes, crc64 });
      else reject(createError(status));
    });
    const cancel = (): void => {
      addon.cancelEncode(request);
    };
    if (signal === undefined) return;
    setMaxListeners(0, signal); // as for blocks
    signal.addEventListener('abort', cancel);
  });
}

/**
 * Decodes `frame`, exactly one, and verifies its checksum; runs on libuv's pool. `frame` must not change before the
 * promise settles. Throws archive-corrupt where anything is not as it should be, the length of the content included.
 */
export async function decodeFrame(frame: Uint8Array, contentSize: number): Promise<Buffer> {
  checkBytes('frame', frame);
  const content = Buffer.allocUnsafeSlow(contentSize);
  const status = await loadAddon().decodeFrame(frame, content);
  if (status === ok) return content;
  throw new BundleError(
    'archive-corrupt',
    `Cannot decode a zstd frame: ${loadAddon().zstdErrorText(status)}`,
  );
}

/** The version of the libzstd that is loaded: `1.5.4`. */
export function libzstdVersion(): string {
  return loadAddon().libzstdVersion();
}

function createError(status: number): BundleError {
  const isMemory = status === noMemory;
  const reason = isMemory ? 'there is not enough memory' : `the encoder's status is ${status}`;
  return new BundleError('encode-failed', `Cannot encode a zstd frame: ${reason}`, {
    hint: isMemory
      ? 'Run it again when other programs need less, or with a lower level, such as --zst-level 9: each core in use takes memory for one frame.'
      : 'This is a fault of bundlefs itself; please report it.',
  });
}

function checkBytes(name: string, bytes: Uint8Array): void {
  if (!((bytes as unknown) instanceof Uint8Array)) throw new TypeError(`${name} is not a Uint8Array`);
}
