/** Takes mounts out of the tree of folders. */
import { execFile } from 'node:child_process';

import { findFusermount } from './fuse-library.ts';

export interface DetachMountOptions {
  /** Detach although files are open: they stay readable, the path does not. */
  readonly lazy: boolean;
}

/** Why a mount was not detached, or that it was. */
export type DetachResult =
  | { readonly kind: 'detached' }
  | { readonly kind: 'busy' }
  | { readonly kind: 'failed'; readonly reason: string };

/**
 * Runs fusermount for the mount at `mountPoint`, which is absolute and without symbolic links. Looks at nothing inside
 * the mount, so that a daemon may call it for its own. Throws mount-unavailable where there is no fusermount.
 */
export async function detachMount(mountPoint: string, { lazy }: DetachMountOptions): Promise<DetachResult> {
  const fusermount = await findFusermount();
  return new Promise((resolve) => {
    const args = [lazy ? '-uz' : '-u', mountPoint];
    const env = { ...process.env, LC_ALL: 'C' };
    execFile(fusermount, args, { cwd: '/', env }, (error, _stdout, stderr) => {
      if (error === null) resolve({ kind: 'detached' });
      else if (/busy/i.test(stderr)) resolve({ kind: 'busy' });
      else resolve({ kind: 'failed', reason: stderr.trim() || error.message });
    });
  });
}
