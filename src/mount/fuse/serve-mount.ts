/** Serves a mount until it has ended, or is told to end. */
import type { BundleMount } from './served-mount.ts';

export interface ServeMountOptions {
  /** Aborted to end the mount: nothing new is opened, and files that are open are read to their end. */
  readonly signal?: AbortSignal;
  /** Aborted to wait for open files no longer. */
  readonly hurrySignal?: AbortSignal;
  /** How long to wait for open files; see UnmountOptions. */
  readonly drainTimeoutMs?: number;
}

/**
 * Resolves when the mount has ended: somebody unmounted it, or `signal` was aborted. Throws what unmounting throws; the
 * mount is then still there. The process ends by process.exit afterwards (see BundleMount).
 */
export async function serveMount(mount: BundleMount, options: ServeMountOptions = {}): Promise<void> {
  const { signal, hurrySignal, drainTimeoutMs } = options;
  const drain = drainTimeoutMs === undefined ? {} : { drainTimeoutMs };
  await Promise.race([
    mount.closed,
    whenAborted(signal).then(() => mount.unmount(drain)),
    whenAborted(hurrySignal).then(() => mount.unmount({ drainTimeoutMs: 0 })),
  ]);
}

/** Never resolves where it is not aborted. */
function whenAborted(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) resolve();
    signal?.addEventListener('abort', () => {
      resolve();
    });
  });
}
