/** What it takes to read a file from its device and not from memory, open(2) "O_DIRECT" and posix_fadvise(2), and the reverse. */
import { constants } from 'node:os';
import { loadAddon } from './load-addon.ts';

/** Addresses, positions and sizes of direct reads are multiples of this: of the largest sectors that there are. */
export const directAlignment = 4096;

/**
 * A buffer that a file opened with O_DIRECT can be read into. Node's own lie at addresses that are multiples of 16 or
 * less, for which the kernel may answer EINVAL.
 */
export function allocateAligned(size: number): Buffer {
  if (!Number.isSafeInteger(size) || size <= 0 || size % directAlignment !== 0) {
    throw new RangeError(`${size} is not a multiple of ${directAlignment}`);
  }
  return loadAddon().allocateAligned(size, directAlignment);
}

/** Lets the kernel forget what it has in memory of the open file behind `fd`; what is not on disk yet stays. Returns whether it knows how. */
export function dropFileCache(fd: number): boolean {
  if (!Number.isInteger(fd) || fd < 0) throw new RangeError(`${fd} is not a file descriptor`);
  const errno = loadAddon().dropFileCache(fd);
  if (errno === constants.errno.EBADF) throw new RangeError(`${fd} is not open`);
  return errno === 0;
}

/**
 * Fills `target` from `position` of the open file behind `fd`, on this thread, where all of it is in the page cache.
 * Returns false where it is not, or where anything else stands in the way; a read that may wait will tell what.
 */
export function readAtHand(fd: number, target: Uint8Array, position: number): boolean {
  if (!Number.isInteger(fd) || fd < 0) throw new RangeError(`${fd} is not a file descriptor`);
  return loadAddon().readAtHand(fd, target, position) === target.length;
}
