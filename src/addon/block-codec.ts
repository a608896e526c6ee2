/** Encodes and decodes standalone .xz Blocks (.xz 1.2.1 §3) with liblzma, off the main thread. */
import { constants } from 'node:buffer';
import { setMaxListeners } from 'node:events';
import type { EncoderSettings } from '../plan/layout/profile.ts';
import type { CheckName } from '../format/xz/stream-flags.ts';
import { loadAddon } from './load-addon.ts';
import { createDecodeError, createEncodeError, lzmaOk } from './lzma-error.ts';

export interface EncodedBlock {
  /** The whole block: header with both sizes, LZMA2 data, padding, check. Its length is a multiple of four. */
  readonly bytes: Buffer;
  /** Bytes without the padding (.xz 1.2.1 §4.3 "Unpadded Size"). */
  readonly unpaddedSize: number;
  /** CRC64 of `bytes`, 16 hex digits. */
  readonly crc64: string;
}

export interface EncodeBlockOptions {
  /** A block that waits is not begun, one under way is broken off; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** The check's number in a Stream Header (.xz 1.2.1 §2.1.1.2). */
const checkNumbers: Readonly<Record<CheckName, number>> = { crc32: 1, crc64: 4, sha256: 10 };

/** LZMA_PRESET_EXTREME (lzma/lzma12.h). */
const extremeFlag = 2 ** 31;

/**
 * Encodes `content` as one block whose bytes depend on `content` and `settings` alone. Runs on threads of its own, as
 * many as there are usable cores. `content` is not copied: the caller must not change it before the promise settles.
 * Throws encode-failed; TypeError or RangeError for settings that are none, or of another liblzma than the one loaded.
 */
export async function encodeBlock(
  content: Uint8Array,
  settings: EncoderSettings,
  { signal }: EncodeBlockOptions = {},
): Promise<EncodedBlock> {
  const addon = loadAddon();
  checkBytes('content', content);
  const preset = presetNumber(settings);
  const check = checkNumber(settings.check);
  if (settings.liblzma !== addon.liblzmaVersion()) {
    throw new TypeError(
      `settings.liblzma is "${settings.liblzma}", but the loaded liblzma is "${addon.liblzmaVersion()}"`,
    );
  }
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const request = addon.startEncode(content, preset, check, (status, bytes, unpaddedSize, crc64) => {
      signal?.removeEventListener('abort', cancel);
      if (signal?.aborted === true) reject(signal.reason as Error);
      else if (status === lzmaOk) resolve({ bytes, unpaddedSize, crc64 });
      else reject(createEncodeError(status));
    });
    const cancel = (): void => {
      addon.cancelEncode(request);
    };
    if (signal === undefined) return;
    setMaxListeners(0, signal); // one for each block under way is no leak, of which Node would warn from the eleventh on
    signal.addEventListener('abort', cancel);
  });
}

/**
 * Decodes one whole `block`, its padding included, and verifies its check; runs on libuv's pool. Also reads foreign
 * blocks, with other filters and without sizes in the header. `block` must not change before the promise settles.
 * Throws xz-corrupt where anything is not as it should be, the length of the content included; xz-unsupported.
 */
export async function decodeBlock(
  block: Uint8Array,
  check: CheckName,
  uncompressedSize: number,
): Promise<Buffer> {
  checkBytes('block', block);
  if (
    !Number.isInteger(uncompressedSize) ||
    uncompressedSize < 0 ||
    uncompressedSize > constants.MAX_LENGTH
  ) {
    throw new RangeError(`uncompressedSize is ${uncompressedSize}, which no buffer can have`);
  }
  const content = Buffer.allocUnsafeSlow(uncompressedSize);
  const status = await loadAddon().decodeBlock(block, checkNumber(check), content);
  if (status !== lzmaOk) throw createDecodeError('an xz block', status);
  return content;
}

/** The version of the liblzma that is loaded: `5.4.1`. */
export function liblzmaVersion(): string {
  return loadAddon().liblzmaVersion();
}

/** CRC64 of `bytes` (ECMA-182, reflected, as in .xz 1.2.1 §6), 16 hex digits. */
export function crc64(bytes: Uint8Array): string {
  checkBytes('bytes', bytes);
  return loadAddon().crc64(bytes);
}

function presetNumber({ preset, extreme }: EncoderSettings): number {
  if (!Number.isInteger(preset) || preset < 0 || preset > 9) {
    throw new RangeError(`settings.preset is ${preset}, and must be 0 to 9`);
  }
  return preset + (extreme ? extremeFlag : 0);
}

function checkNumber(check: CheckName): number {
  if (!Object.hasOwn(checkNumbers, check)) throw new TypeError(`There is no check "${check}"`);
  return checkNumbers[check];
}

function checkBytes(name: string, bytes: Uint8Array): void {
  if (!((bytes as unknown) instanceof Uint8Array)) throw new TypeError(`${name} is not a Uint8Array`);
}
