/** Which mounts of this user are dead: whoever looks into one gets an error, or waits for ever. */
import { findMounts, type FoundMount } from '../mount/control/find-mounts.ts';
import { probePath } from '../disk/probe-path.ts';
import { type CheckContext, type Finding, ok, problemOf, warning } from './finding.ts';

export async function checkMounts({ environment, signal }: CheckContext): Promise<Finding[]> {
  try {
    const mounts = await findMounts(environment);
    const faults = (await Promise.all(mounts.map((mount) => findFault(mount, signal)))).flat();
    if (faults.length > 0) return faults;
    const count = mounts.length;
    return [ok('mounts', count === 0 ? 'this user has none' : `${count} of this user, each answered for`)];
  } catch (error) {
    signal.throwIfAborted();
    return [problemOf('mounts', error)];
  }
}

async function findFault({ mountPoint, isMounted }: FoundMount, signal: AbortSignal): Promise<Finding[]> {
  const unmount = `bundlefs unmount "${mountPoint}"`;
  if (!isMounted) {
    const text = `"${mountPoint}" should be mounted, and its daemon is gone: see bundlefs log "${mountPoint}"`;
    return [warning('mounts', text, unmount)];
  }
  const probe = await probePath(mountPoint, { signal });
  if (probe.kind === 'hung') {
    const text = `"${mountPoint}" does not answer`;
    return [warning('mounts', text, `bundlefs unmount --lazy "${mountPoint}"`)];
  }
  if (probe.kind === 'failed') {
    const why = probe.code === 'ENOTCONN' ? 'its daemon is gone' : `looking at it fails with ${probe.code}`;
    return [warning('mounts', `"${mountPoint}" is dead: ${why}`, unmount)];
  }
  return [];
}
