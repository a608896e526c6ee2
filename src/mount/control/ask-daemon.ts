/** Asks the daemon of a mount, and says what to do where it has died. */
import { BundleError, isBundleError } from '../../ground/errors.ts';
import { type FoundMount, getSocketPath } from './find-mounts.ts';

/** Runs `ask` with the control socket of `mount`. Throws not-mounted, with the cure, where its daemon is gone. */
export async function askDaemon<T>(mount: FoundMount, ask: (socketPath: string) => Promise<T>): Promise<T> {
  try {
    return await ask(getSocketPath(mount));
  } catch (error) {
    if (!isBundleError(error, 'not-mounted')) throw error;
    const { mountPoint, record } = mount;
    throw new BundleError(
      'not-mounted',
      `Cannot ask the mount at "${mountPoint}": its daemon${record ? ` (process ${record.pid})` : ''} is gone`,
      {
        cause: error,
        hint: `See why: bundlefs log "${mountPoint}". Mount it again, or forget it: bundlefs unmount "${mountPoint}"`,
      },
    );
  }
}
