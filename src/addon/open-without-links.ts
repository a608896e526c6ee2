/** Opens what may lie in folders that others can write to: openat2(2), which Node does not offer. */
import { createErrnoError } from './errno-name.ts';
import { loadAddon } from './load-addon.ts';

/**
 * A descriptor of the absolute `path`, opened with `flags` (open(2)), O_CLOEXEC and O_NONBLOCK. A symbolic link in any
 * part of it is not followed. Runs on this thread. Throws an Error with the `code` of the system.
 */
export function openWithoutLinks(path: string, flags: number): number {
  if (!path.startsWith('/') || path.includes('\0')) throw new TypeError(`"${path}" is not an absolute path`);
  const fd = loadAddon().openWithoutLinks(path, flags);
  if (fd >= 0) return fd;
  throw createErrnoError(-fd, 'open', path);
}
