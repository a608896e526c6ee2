/** Tells the service manager that started this process how it is doing: sd_notify(3). */
import { BundleError } from '../ground/errors.ts';
import { errnoName } from './errno-name.ts';
import { loadAddon } from './load-addon.ts';

/**
 * Sends `lines`, such as `READY=1`, to the socket at `path`, the manager's NOTIFY_SOCKET. Throws mount-failed where it
 * cannot be sent.
 */
export function notifyService(path: string, lines: readonly string[]): void {
  if (lines.some((line) => line.includes('\n'))) throw new RangeError('A line has a line end in it');
  const errno = loadAddon().notifyService(path, lines.join('\n'));
  if (errno === 0) return;
  throw new BundleError('mount-failed', `Cannot tell the service manager at "${path}": ${errnoName(errno)}`);
}
