/** What `bundlefs unmount` does. */
import { resolve } from 'node:path';
import { isBundleError } from '../../../ground/errors.ts';
import { findRecord, forgetRecord } from '../../../mount/control/mount-record.ts';
import { isMountDaemon } from '../../../mount/fuse/processes.ts';
import { unmountBundle, type UnmountBundleOptions } from '../../../mount/fuse/unmount.ts';

/**
 * Unmounts the bundle at `path`; a mount that has died long ago, and that is only known by its record, is forgotten.
 * Throws what unmountBundle throws.
 */
export async function runUnmount(path: string, options: UnmountBundleOptions): Promise<void> {
  const mountPoint = resolve(path);
  const record = await findRecord(mountPoint, process.env);
  const hasDied = record !== undefined && !(await isMountDaemon(record.pid));
  try {
    await unmountBundle(path, options);
  } catch (error) {
    if (!hasDied || !isBundleError(error, 'not-mounted')) throw error;
  }
  if (hasDied) await forgetRecord(mountPoint, process.env, record.pid);
}
