/** Real .xz files, and bytes as a file, for the tests of src/format/xz. */
import { execFileSync, spawnSync } from 'node:child_process';
import type { XzInput } from '../../../src/format/xz/xz-structure.ts';

/** What the real `xz` makes of `content`. */
export function compress(content: Uint8Array | string, ...options: readonly string[]): Buffer {
  return execFileSync('xz', ['-c', '-3', ...options], { input: content, maxBuffer: 1 << 30 });
}

/** Whether the real `xz -t` takes `bytes`. */
export function isAcceptedByXz(bytes: Uint8Array): boolean {
  return spawnSync('xz', ['-t'], { input: bytes }).status === 0;
}

/** `bytes` as a file that gives at most `readLimit` of them at once. */
export function inputOf(bytes: Uint8Array, readLimit = 1000): XzInput {
  return {
    size: bytes.length,
    read(target, position) {
      const part = bytes.subarray(position, position + Math.min(readLimit, target.length));
      target.set(part);
      return Promise.resolve(part.length);
    },
  };
}

/** Text that compresses, different in every line. */
export function lines(count: number): string {
  return Array.from({ length: count }, (_, index) => `line ${index * 7919}\n`).join('');
}
