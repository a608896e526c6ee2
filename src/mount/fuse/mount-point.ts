/** Whether a bundle can be mounted at a path, and what the user can do where it cannot. */
import { resolve } from 'node:path';

import { BundleError } from '../../ground/errors.ts';
import { detachMount } from './detach-mount.ts';
import { bundlefsType, findMount, type MountEntry } from '../../disk/mountinfo.ts';
import { probePath, type ProbePathOptions } from '../../disk/probe-path.ts';

/** fuse-native copies the path into 1024 bytes, its closing zero among them. */
const maxPathSize = 1023;

/** What a daemon that is gone without unmounting leaves to whoever looks at its mount. */
const staleCode = 'ENOTCONN';

/**
 * The path to mount at, absolute and without symbolic links, once it is known to be an empty folder that nothing is
 * mounted at. Clears away a bundlefs mount whose daemon is gone; touches no other mount.
 * Throws mount-point-invalid and mount-point-busy.
 */
export async function prepareMountPoint(path: string, options: ProbePathOptions = {}): Promise<string> {
  const absolutePath = resolve(path);
  const probe = await probePath(absolutePath, options);
  const realPath = (probe.kind === 'hung' ? undefined : probe.realPath) ?? absolutePath;
  const mount = await findMount(realPath);
  if (mount !== undefined) {
    if (mount.type !== bundlefsType || probe.kind !== 'failed' || probe.code !== staleCode) {
      throw occupied(path, mount, probe.kind === 'hung');
    }
    await clearStaleMount(path, realPath);
    return prepareMountPoint(path, options);
  }
  switch (probe.kind) {
    case 'hung':
      throw new BundleError(
        'mount-point-busy',
        `Cannot mount at "${path}": the file system there does not answer`,
        { hint: 'See what is mounted: findmnt, and name another folder until it answers' },
      );
    case 'failed':
      throw unusable(path, probe.code);
    case 'other':
      throw new BundleError('mount-point-invalid', `Cannot mount at "${path}": it is no folder`, {
        hint: 'Name a folder that is empty',
      });
    case 'folder':
      if (!probe.isEmpty) {
        throw new BundleError('mount-point-invalid', `Cannot mount at "${path}": the folder is not empty`, {
          hint: 'Name an empty folder: a mount would hide what is in this one',
        });
      }
      if (Buffer.byteLength(realPath) > maxPathSize) {
        throw new BundleError(
          'mount-point-invalid',
          `Cannot mount at "${path}": its path has more than ${maxPathSize} bytes`,
        );
      }
      return realPath;
  }
}

function occupied(path: string, mount: MountEntry, isHung: boolean): BundleError {
  if (mount.type === bundlefsType) {
    const found = isHung
      ? 'a bundle is mounted there that does not answer'
      : 'a bundle is mounted there already';
    return new BundleError('mount-point-busy', `Cannot mount at "${path}": ${found}`, {
      hint: `End it first: bundlefs unmount ${isHung ? '--lazy ' : ''}"${path}"`,
    });
  }
  return new BundleError(
    'mount-point-busy',
    `Cannot mount at "${path}": "${mount.source}" (${mount.type}) is mounted there`,
    { hint: 'Name an empty folder that is no mount point' },
  );
}

function unusable(path: string, code: string): BundleError {
  switch (code) {
    case 'ENOENT':
      return new BundleError('mount-point-invalid', `Cannot mount at "${path}": there is no such folder`, {
        hint: `Make it: mkdir -p "${path}"`,
      });
    case staleCode:
      return new BundleError(
        'mount-point-busy',
        `Cannot mount at "${path}": it is in a mount that has died`,
        {
          hint: 'See which: findmnt, and unmount it: fusermount -u',
        },
      );
    default:
      return new BundleError(
        'mount-point-invalid',
        `Cannot mount at "${path}": looking at it failed with ${code}`,
      );
  }
}

async function clearStaleMount(path: string, realPath: string): Promise<void> {
  const result = await detachMount(realPath, { lazy: true });
  if (result.kind === 'detached' || (await findMount(realPath)) === undefined) return;
  const reason = result.kind === 'busy' ? 'it is busy' : result.reason;
  throw new BundleError(
    'mount-point-busy',
    `Cannot mount at "${path}": a bundle whose daemon is gone is mounted there and cannot be cleared away: ${reason}`,
    { hint: `As root: umount -l "${path}"` },
  );
}
