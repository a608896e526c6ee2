/** Files whose bytes are computed from their positions, so that no test needs gigabytes to check gigabytes. */
import { setTimeout as delay } from 'node:timers/promises';

import type { MountedFile, OpenFile } from '../../../src/mount/fuse/mounted-file.ts';

export interface GeneratedFileOptions {
  readonly size: number;
  readonly seed: number;
  /** Whether reads are answered at once, later, or now so, now so. */
  readonly answers?: 'at once' | 'later' | 'mixed';
  /** How long each read answered later takes. */
  readonly readTimeMs?: number;
}

/** The bytes of the file with this seed from `start` on. */
export function generateBytes(seed: number, start: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let index = 0; index < length; index++) bytes[index] = byteAt(seed, start + index);
  return bytes;
}

export function createGeneratedFile(options: GeneratedFileOptions): MountedFile {
  const { size, seed, answers = 'mixed', readTimeMs } = options;
  let readCount = 0;
  const fill = (target: Uint8Array, position: number): number => {
    const length = Math.max(0, Math.min(target.length, size - position));
    for (let index = 0; index < length; index++) target[index] = byteAt(seed, position + index);
    return length;
  };
  const openFile: OpenFile = {
    tryRead(target, position) {
      const isNow = answers === 'at once' || (answers === 'mixed' && readCount++ % 2 === 0);
      return isNow ? fill(target, position) : undefined;
    },
    async read(target, position) {
      if (readTimeMs !== undefined) await delay(readTimeMs);
      return fill(target, position);
    },
    close: () => undefined,
  };
  return { size, open: () => Promise.resolve(openFile) };
}

/** Changes within each 32-bit range and between them, and from one seed to the next. */
function byteAt(seed: number, position: number): number {
  const high = Math.floor(position / 2 ** 32);
  const mixed = Math.imul((position >>> 2) ^ Math.imul(seed + high * 7, 0x9e3779b1), 0x85ebca6b);
  return (mixed >>> ((position & 3) * 8)) & 0xff;
}
