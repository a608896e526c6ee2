/** Loads fuse-native, and the libfuse 2 it needs; nothing else imports it. */
import { constants as fsConstants } from 'node:fs';
import { access, open } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { constants as osConstants } from 'node:os';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';

import { BundleError, describeError, findErrno } from '../../ground/errors.ts';
import type { FuseOperations } from './fuse-operations.ts';

/** The options of fuse-native 2.2.6 that bundlefs sets. */
export interface FuseOptions {
  /** False: answers may take as long as they take. A late answer after a timeout ends the process. */
  readonly timeout: false;
  readonly allowOther: boolean;
  readonly defaultPermissions: boolean;
  readonly autoUnmount: boolean;
  /** The module of libfuse that stands between the kernel's requests and `operations`; none where absent. */
  readonly modules?: string;
  /** Goes into the option string as it is: what follows a comma is an option of its own. */
  readonly fsname: string;
}

export interface Fuse {
  mount(callback: (error: Error | null) => void): void;
}

export type FuseConstructor = new (
  mountPoint: string,
  operations: FuseOperations,
  options: FuseOptions,
) => Fuse;

const fuseDevice = '/dev/fuse';

const deviceHint = `On the host: modprobe fuse. In a container: docker run --device ${fuseDevice} --cap-add SYS_ADMIN --security-opt apparmor=unconfined`;
const permissionHint = `As root: chmod 666 ${fuseDevice}, as udev sets it. In a container, that of the container; or mount as root there`;
const programHint = 'Install it: apt-get install fuse3 (Debian, Ubuntu), dnf install fuse (Fedora)';
const libraryHint = 'Install it: apt-get install libfuse2 (Debian, Ubuntu), dnf install fuse-libs (Fedora)';

/**
 * fuse-native's class, once everything that mounting needs is found. Throws mount-unavailable, naming what is missing.
 * Only for the main thread: in a worker, fuse-native ends the process with a segmentation fault at mount.
 */
export async function loadFuse(): Promise<FuseConstructor> {
  if (!isMainThread)
    throw new TypeError('Cannot mount a bundle in a worker thread: fuse-native crashes there');
  await checkFuseDevice();
  await findFusermount();
  return loadFuseNative();
}

/** The path of fusermount, which unmounts without being root and watches over a mount. Throws mount-unavailable. */
export async function findFusermount(environment: NodeJS.ProcessEnv = process.env): Promise<string> {
  for (const folder of (environment['PATH'] ?? '').split(':')) {
    const path = join(folder, 'fusermount');
    const found = await access(path, fsConstants.X_OK).then(
      () => true,
      () => false,
    );
    if (folder !== '' && found) return path;
  }
  throw new BundleError(
    'mount-unavailable',
    'Cannot run "fusermount": not found in PATH, needed to mount and unmount',
    { hint: programHint },
  );
}

async function checkFuseDevice(): Promise<void> {
  try {
    await (await open(fuseDevice, 'r+')).close();
  } catch (error) {
    const errno = findErrno(error);
    const found = errno === 'ENOENT' ? 'it does not exist' : `it cannot be opened (${describeError(error)})`;
    throw new BundleError('mount-unavailable', `Cannot use "${fuseDevice}": ${found}`, {
      cause: error,
      hint: errno === 'EACCES' && process.getuid?.() !== 0 ? permissionHint : deviceHint,
    });
  }
}

/**
 * fuse-native's class and with it a libfuse 2, without looking at what else mounting needs. Throws mount-unavailable.
 * Only for the main thread, see loadFuse.
 */
export function loadFuseNative(): FuseConstructor {
  const require = createRequire(import.meta.url);
  try {
    return require('fuse-native') as FuseConstructor;
  } catch (systemError) {
    try {
      loadBundledLibrary(require);
      return require('fuse-native') as FuseConstructor;
    } catch (error) {
      throw new BundleError(
        'mount-unavailable',
        `Cannot load "libfuse.so.2": ${describeError(systemError)}`,
        {
          cause: error,
          hint: libraryHint,
        },
      );
    }
  }
}

/**
 * Puts the libfuse.so.2 that comes with fuse-native's packages (x86-64 only) where fuse-native's addon finds it: a
 * library that is loaded already is taken by its name, and NODELETE keeps it although it is no addon.
 */
function loadBundledLibrary(require: NodeJS.Require): void {
  const requireFromFuse = createRequire(require.resolve('fuse-native/package.json'));
  const { lib } = requireFromFuse('fuse-shared-library') as { readonly lib: string };
  const { RTLD_NOW, RTLD_GLOBAL } = osConstants.dlopen;
  const RTLD_NODELETE = 0x1000; // dlopen(3), absent from node:os
  try {
    process.dlopen({ exports: {} }, lib, RTLD_NOW | RTLD_GLOBAL | RTLD_NODELETE);
  } catch {
    // Always: node expects an addon. Whether the library was loaded shows when fuse-native is.
  }
}
