/** Advisory locks of whole files between processes: flock(2), which Node does not offer. */
import { readlinkSync } from 'node:fs';
import { createErrnoError, errnoName } from './errno-name.ts';
import { loadAddon } from './load-addon.ts';

/**
 * Takes the exclusive lock of the open file behind `fd`; false where somebody else holds any lock of it. The lock is
 * the open file's: it ends when the last descriptor of it is closed, at the latest with the process. Throws what the
 * system says, such as ENOLCK where the file system knows no locks, with the path of the file.
 */
export function tryLockFile(fd: number): boolean {
  return tryLock(fd, true);
}

/** The same for a shared lock, which many may hold at once while nobody holds the exclusive one. */
export function tryLockShared(fd: number): boolean {
  return tryLock(fd, false);
}

function tryLock(fd: number, isExclusive: boolean): boolean {
  if (!Number.isInteger(fd) || fd < 0) throw new RangeError(`${fd} is not a file descriptor`);
  const errno = loadAddon().lockFile(fd, isExclusive);
  if (errno === 0) return true;
  if (errnoName(errno) === 'EAGAIN') return false;
  throw createErrnoError(errno, 'flock', pathOf(fd));
}

function pathOf(fd: number): string {
  const link = `/proc/self/fd/${fd}`;
  try {
    return readlinkSync(link);
  } catch {
    return link; // it is not open
  }
}
