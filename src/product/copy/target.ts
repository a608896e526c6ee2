/** The folder that a copy goes to: where it is, what its file system can, and whether it can be meant. */
import { constants } from 'node:fs';
import { access, readlink, realpath, stat, statfs } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { BundleError, describeError, findErrno } from '../../ground/errors.ts';
import { bundlefsType, findCoveringMount, type MountEntry } from '../../disk/mountinfo.ts';
import { type FileSystemTraits, traitsOfFileSystem } from './file-systems.ts';

export interface Target {
  /** Absolute, without symbolic links. It need not be there yet; its parent is. */
  readonly folder: string;
  readonly mount: MountEntry;
  readonly traits: FileSystemTraits;
  /** Bytes that this user may still write there. */
  readonly freeSize: number;
  /** What a file takes at the least, and its size is rounded up to. */
  readonly blockSize: number;
}

export interface FindTargetOptions {
  /** Whether it may be on the disk that the system is on. */
  readonly allowsSystemDisk?: boolean;
  /** A folder that belongs to this program: the cache. */
  readonly cachePath: string;
  /** The folder that is copied from. */
  readonly sourceFolder?: string;
}

/** Folders that no copy may go to, with or without consent; of those with `/**` behind, nothing below either. */
const systemFolders = [
  '/',
  '/home',
  '/opt',
  '/root',
  '/run',
  '/tmp',
  '/var',
  '/bin/**',
  '/boot/**',
  '/dev/**',
  '/etc/**',
  '/lib/**',
  '/lib32/**',
  '/lib64/**',
  '/proc/**',
  '/sbin/**',
  '/sys/**',
  '/usr/**',
  '/var/lib/docker/**',
];
/** Memory that anybody may use, in the middle of devices. */
const sharedMemory = '/dev/shm/';

/** What the system is on, be that one disk or several. */
const systemPaths = ['/', '/usr', '/etc', '/var', '/boot', '/boot/efi'];

/**
 * Looks at the folder that `path` names. Throws invalid-argument where it can hardly be meant, and output-failed where
 * nothing can be written there.
 */
export async function findTarget(path: string, options: FindTargetOptions): Promise<Target> {
  const folder = await locate(path);
  refuseSystemFolder(path, folder);
  const mount = await findCoveringMount(folder);
  if (mount === undefined) throw refused(path, 'it is on no file system that this process sees');
  await refuseOwnFolders(path, folder, mount, options);
  const isThere = await exists(folder);
  const { type, bavail, bsize } = await statfs(isThere ? folder : dirname(folder)).catch((error: unknown) => {
    throw failed(path, describeError(error));
  });
  const traits = traitsOfFileSystem(mount.type, type);
  if (traits.isPseudo === true) throw refused(path, `what is there (${mount.type}) keeps no files`);
  if (traits.isReadOnly === true || mount.options.includes('ro')) {
    throw failed(path, `the file system there (${mount.type}) is read-only`, {
      hint: 'Some sticks have a switch for that. After an error the kernel does it, too: see dmesg, and mount it again.',
    });
  }
  if (options.allowsSystemDisk !== true) await refuseSystemDisk(path, folder, mount, isThere);
  await access(isThere ? folder : dirname(folder), constants.W_OK | constants.X_OK).catch(
    (error: unknown) => {
      throw failed(
        path,
        findErrno(error) === 'EACCES' ? 'this user may not write there' : describeError(error),
      );
    },
  );
  return { folder, mount, traits, freeSize: bavail * bsize, blockSize: bsize };
}

/** The real path. Throws where neither it nor its parent is a folder. */
async function locate(path: string): Promise<string> {
  const named = resolve(path);
  try {
    const folder = await realpath(named);
    if (!(await stat(folder)).isDirectory()) throw failed(path, 'it is a file, and a folder was expected');
    return folder;
  } catch (error) {
    if (error instanceof BundleError) throw error;
    if (findErrno(error) !== 'ENOENT') throw failed(path, describeError(error), { cause: error });
  }
  const isLink = await readlink(named).then(
    () => true,
    () => false,
  );
  const parent = await realpath(dirname(named)).catch(() => undefined);
  if (parent === undefined || isLink || !(await stat(parent)).isDirectory()) {
    throw failed(path, 'there is no such folder', { hint: 'Is the stick mounted? See: findmnt' });
  }
  return join(parent, basename(named));
}

function refuseSystemFolder(path: string, folder: string): void {
  if (folder.startsWith(sharedMemory)) return;
  for (const entry of systemFolders) {
    const stem = entry.replace(/\/\*\*$/, '');
    const isHit = entry === stem ? folder === stem : isWithin(folder, stem);
    if (isHit) throw refused(path, 'it is a folder of the system');
  }
}

async function refuseOwnFolders(
  path: string,
  folder: string,
  mount: MountEntry,
  { cachePath, sourceFolder }: FindTargetOptions,
): Promise<void> {
  if (mount.type === bundlefsType) {
    throw refused(
      path,
      `it is in the mount at "${mount.mountPoint}", which shows a bundle and keeps none`,
      `To copy what it shows: bundlefs copy --from-mount ${mount.mountPoint} /media/usb`,
    );
  }
  const cache = await realpath(cachePath).catch(() => resolve(cachePath));
  if (isWithin(folder, cache)) throw refused(path, `it is in the cache, "${cachePath}"`);
  if (sourceFolder === undefined) return;
  if (folder === (await realpath(sourceFolder).catch(() => resolve(sourceFolder)))) {
    throw refused(path, 'it is the folder that is copied');
  }
}

/** Mostly this is a stick that was not mounted, so that what is left is an empty folder on the system's own disk. */
async function refuseSystemDisk(
  path: string,
  folder: string,
  mount: MountEntry,
  isThere: boolean,
): Promise<void> {
  const { dev } = await stat(isThere ? folder : dirname(folder));
  for (const systemPath of systemPaths) {
    const found = await stat(systemPath).catch(() => undefined);
    if (found === undefined) continue;
    // Subvolumes of one disk (btrfs) have numbers of their own.
    const system = await findCoveringMount(await realpath(systemPath));
    const isSameSource = mount.source.startsWith('/dev/') && system?.source === mount.source;
    if (found.dev !== dev && !isSameSource) continue;
    throw new BundleError(
      'invalid-argument',
      `Cannot copy to "${path}": it is on the disk of the system (${mount.source}, ${mount.type}), where "${systemPath}" is, too`,
      {
        hint: 'Is the stick mounted? See: findmnt. If this folder is meant: --allow-system-disk',
      },
    );
  }
}

function isWithin(folder: string, other: string): boolean {
  return folder === other || folder.startsWith(`${other}/`);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function refused(
  path: string,
  found: string,
  hint = 'Name a folder on the stick, such as /media/usb/shop',
): BundleError {
  return new BundleError('invalid-argument', `Cannot copy to "${path}": ${found}`, { hint });
}

function failed(
  path: string,
  found: string,
  options: { readonly hint?: string; readonly cause?: unknown } = {},
): BundleError {
  return new BundleError('output-failed', `Cannot copy to "${path}": ${found}`, options);
}
