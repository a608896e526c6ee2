/** Mounts a directory of virtual files and serves it until it is unmounted. */
import { open } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

import { readModuleName, registerReadModule } from '../../addon/read-module.ts';
import { BundleError, describeError } from '../../ground/errors.ts';
import type { BundleDirectory } from './bundle-directory.ts';
import { detachMount } from './detach-mount.ts';
import { loadFuse, type Fuse } from './fuse-library.ts';
import { createFuseOperations } from './fuse-operations.ts';
import { prepareMountPoint } from './mount-point.ts';
import { bundlefsType, readMounts, type MountEntry } from '../../disk/mountinfo.ts';
import { OpenHandles } from './open-handles.ts';
import { listFuseDescriptors } from './processes.ts';
import { ServedMount, type BundleMount } from './served-mount.ts';

export interface MountBundleOptions {
  /** Whether other users may read it too. Where root does not mount it, /etc/fuse.conf must say user_allow_other. */
  readonly allowOther?: boolean;
  /** Gives up mounting. Of no effect on the mount once it is there: that is ended by `unmount`. */
  readonly signal?: AbortSignal;
  /** Told of every request that failed by more than a wrong question, for a log: its reader learns an errno only. */
  readonly onError?: (error: unknown, path: string) => void;
  /**
   * Who answers reads: the addon's read module, in libfuse's threads (`native`, and so where absent), or JavaScript
   * (`plain`). Where the module cannot be had, `onError` is told, and it is JavaScript.
   */
  readonly reads?: 'native' | 'plain';
}

const mountTimeoutMs = 10_000;

/**
 * `direct_io`, because another file may be published under a path while a reader holds the old one: libfuse 2 knows
 * inodes by path, so the kernel's page cache would hand one file's pages to the reader of the other. Each handle reads
 * from what it opened instead. The prices: no shared mmap (ENODEV), and a request of its own for each read call, up
 * to 128 KiB (readers are told to use that much, see preferredReadSize). `attr_timeout=0` so that a new size is seen at once.
 */
const fuseOptions = 'ro,use_ino,subtype=bundlefs,direct_io,attr_timeout=0,entry_timeout=0';

/**
 * Mounts what `getDirectory` returns at `mountPoint` and resolves when it can be read. What it returns later is seen by
 * whoever opens a file then. Should the process be killed, the mount goes with it.
 * Throws mount-point-invalid, mount-point-busy, mount-unavailable and mount-failed.
 */
export async function mountBundle(
  getDirectory: () => BundleDirectory,
  mountPoint: string,
  options: MountBundleOptions = {},
): Promise<BundleMount> {
  const { allowOther = false, signal, onError = () => undefined, reads = 'native' } = options;
  const Fuse = await loadFuse();
  const realPath = await prepareMountPoint(mountPoint, signal === undefined ? {} : { signal });
  signal?.throwIfAborted();

  const handles = new OpenHandles(onError);
  let isClosing = false;
  const operations = createFuseOperations({
    getDirectory,
    handles,
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
    isClosing: () => isClosing,
    onError,
  });
  const fuse = new Fuse(realPath, operations, {
    timeout: false,
    allowOther,
    defaultPermissions: true,
    autoUnmount: true,
    ...(reads === 'native' && hasReadModule(realPath, onError) ? { modules: readModuleName } : {}),
    fsname: `bundlefs,${fuseOptions}`,
  });

  const coveredFolder = await open(realPath, 'r');
  let mount: ServedMount;
  try {
    const otherDescriptors = await listFuseDescriptors();
    await startFuse(fuse, realPath, allowOther);
    mount = new ServedMount({
      entry: await getOwnEntry(realPath),
      handles,
      fuseDescriptor: await getNewFuseDescriptor(realPath, otherDescriptors),
      coveredFolder,
      setClosing: (value) => {
        isClosing = value;
      },
    });
  } catch (error) {
    await coveredFolder.close();
    throw error;
  }
  if (signal?.aborted === true) {
    await mount.unmount({ drainTimeoutMs: 0 });
    signal.throwIfAborted();
  }
  return mount;
}

/** Whether libfuse, which must be loaded, has the read module now. */
function hasReadModule(realPath: string, onError: (error: unknown, path: string) => void): boolean {
  try {
    registerReadModule();
    return true;
  } catch (error) {
    onError(
      new BundleError('mount-unavailable', `${describeError(error)}; reads of this mount take more time`, {
        cause: error,
      }),
      realPath,
    );
    return false;
  }
}

/** Resolves when the kernel has asked the first question, which is the sign that the mount is answered for. */
async function startFuse(fuse: Fuse, realPath: string, allowOther: boolean): Promise<void> {
  const hint =
    allowOther && process.getuid?.() !== 0
      ? 'For other users to read it, /etc/fuse.conf must have the line user_allow_other'
      : 'See what fusermount or the kernel (dmesg) say. In a container, mounting takes --cap-add SYS_ADMIN';
  const failed = (found: string, cause?: unknown): BundleError =>
    new BundleError('mount-failed', `Cannot mount at "${realPath}": ${found}`, { cause, hint });
  const abandon = new AbortController();
  const started = new Promise<'started'>((resolve, reject) => {
    fuse.mount((error) => {
      abandon.abort();
      if (error === null) resolve('started');
      else reject(failed(describeError(error), error));
    });
  });
  const timedOut = delay(mountTimeoutMs, 'timed out' as const, { signal: abandon.signal });
  timedOut.catch(() => undefined);
  if ((await Promise.race([started, timedOut])) === 'started') return;
  await detachMount(realPath, { lazy: true });
  throw failed(`the kernel asked for nothing in ${mountTimeoutMs / 1000} seconds`);
}

/** The mount just made. fuse-native has no way to set `ro`, so that what the kernel made of it is looked at. */
async function getOwnEntry(realPath: string): Promise<MountEntry> {
  const entries = (await readMounts()).filter(({ mountPoint }) => mountPoint === realPath);
  const entry = entries[0];
  if (entry?.type === bundlefsType && entry.options.includes('ro') && entries.length === 1) return entry;
  if (entry !== undefined) await detachMount(realPath, { lazy: true });
  if (entries.length > 1) {
    throw new BundleError(
      'mount-point-busy',
      `Cannot mount at "${realPath}": another mount was made there at the same moment`,
    );
  }
  const found =
    entry === undefined ? 'it was unmounted at once' : `a mount of type ${entry.type} was made of it`;
  throw new BundleError(
    'mount-failed',
    `Cannot mount at "${realPath}": ${found}, a read-only ${bundlefsType} was wanted`,
  );
}

/** The descriptor of the connection just made. */
async function getNewFuseDescriptor(realPath: string, others: ReadonlySet<string>): Promise<string> {
  const descriptor = [...(await listFuseDescriptors())].find((number) => !others.has(number));
  if (descriptor !== undefined) return descriptor;
  throw new BundleError('mount-failed', `Cannot mount at "${realPath}": the kernel hung up at once`);
}
