/** Ends a mount from outside its daemon: what `bundlefs unmount` does. */
import { resolve } from 'node:path';

import { BundleError } from '../../ground/errors.ts';
import { detachMount } from './detach-mount.ts';
import { bundlefsType, findCoveringMount, findMount, type MountEntry } from '../../disk/mountinfo.ts';
import { probePath } from '../../disk/probe-path.ts';
import { findMountUsers, isServing, readProcesses, waitForServerEnd, type MountUser } from './processes.ts';

export interface UnmountBundleOptions {
  /** Detach although files are open; they can be read to their end, and the daemon ends after that. */
  readonly lazy?: boolean;
  /** How long to wait for the daemon to end, in milliseconds. It is no error where it takes longer. */
  readonly timeoutMs?: number;
}

/**
 * Unmounts the bundle at `path` and returns when it is gone and its daemon has ended (where files are still open, or
 * the daemon cannot be seen from here, when it is gone). Works too where the daemon has died without unmounting.
 * Throws not-mounted, saying what is there; mount-point-busy, naming who reads; mount-failed.
 */
export async function unmountBundle(path: string, options: UnmountBundleOptions = {}): Promise<void> {
  const { lazy = false, timeoutMs = 10_000 } = options;
  const { mountPoint } = await getBundleMount(path);
  const processes = await readProcesses();
  const result = await detachMount(mountPoint, { lazy });
  switch (result.kind) {
    case 'busy':
      throw busy(path, await findMountUsers(await readProcesses(), mountPoint));
    case 'failed':
      throw new BundleError('mount-failed', `Cannot unmount "${path}": ${result.reason}`);
    case 'detached': {
      const hasUsers = (await findMountUsers(processes, mountPoint)).length > 0;
      if (lazy && hasUsers) return;
      const servers = processes.filter((process) => isServing(process, mountPoint));
      await Promise.all(servers.map(({ pid }) => waitForServerEnd(pid, mountPoint, timeoutMs)));
    }
  }
}

/** The mount at `path`; asks the mount itself only where `path` is no mount point as it is written. */
async function getBundleMount(path: string): Promise<MountEntry> {
  let realPath = resolve(path);
  let mount = await findMount(realPath);
  if (mount === undefined) {
    const probe = await probePath(realPath);
    if (probe.kind === 'failed' && probe.code === 'ENOENT') {
      throw new BundleError('not-mounted', `Cannot unmount "${path}": there is no such folder`);
    }
    realPath = (probe.kind === 'hung' ? undefined : probe.realPath) ?? realPath;
    mount = await findMount(realPath);
  }
  if (mount?.type === bundlefsType) return mount;
  if (mount !== undefined) {
    throw new BundleError(
      'not-mounted',
      `Cannot unmount "${path}": "${mount.source}" (${mount.type}) is mounted there, no bundle`,
      { hint: 'Only mounts that bundlefs made are unmounted' },
    );
  }
  const covering = await findCoveringMount(realPath);
  if (covering?.type === bundlefsType) {
    throw new BundleError('not-mounted', `Cannot unmount "${path}": it is in a mount, not the mount itself`, {
      hint: `Unmount the whole: bundlefs unmount "${covering.mountPoint}"`,
    });
  }
  throw new BundleError('not-mounted', `Cannot unmount "${path}": no bundle is mounted there`, {
    hint: `See which are: findmnt -t ${bundlefsType}`,
  });
}

function busy(path: string, users: readonly MountUser[]): BundleError {
  const names = users.map(({ pid, name }) => `${name} (process ${pid})`).join(', ');
  const by = names === '' ? 'files in it are open' : `files in it are open, by ${names}`;
  return new BundleError('mount-point-busy', `Cannot unmount "${path}": ${by}`, {
    hint: 'Wait for them, or use --lazy: the folder is empty at once, and what is open is read to its end',
  });
}
