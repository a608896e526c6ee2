/** Whether fusermount will mount for this user: it says why not where nobody hears it, so that this asks the same first. */
import { constants } from 'node:fs';
import { access, readFile, stat } from 'node:fs/promises';
import { userInfo } from 'node:os';

import { BundleError, findErrno } from '../../ground/errors.ts';

export interface CheckUserOptions {
  /** Whether others are to read the mount. */
  readonly allowOther: boolean;
  /** Where fusermount looks for what users may do: /etc/fuse.conf where absent. */
  readonly configPath?: string;
}

/**
 * Throws mount-unavailable and mount-point-invalid where fusermount would refuse to mount at `mountPoint`, which must be
 * a folder, for who runs this. Root may always. The rules are those of check_perm, get_user_name and read_conf in
 * fusermount.c of libfuse 3; what it refuses beyond them shows when it is asked.
 */
export async function checkUser(mountPoint: string, options: CheckUserOptions): Promise<void> {
  const uid = process.getuid?.();
  if (uid === undefined || uid === 0) return;
  checkName(uid);
  await checkOwnership(mountPoint, uid);
  if (options.allowOther) await checkAllowOther(mountPoint, options.configPath ?? '/etc/fuse.conf');
}

/** It writes the user's name into the options of the mount, and gives up where there is none. */
function checkName(uid: number): void {
  try {
    userInfo();
  } catch (error) {
    throw new BundleError(
      'mount-unavailable',
      `Cannot mount as user ${uid}: /etc/passwd has no such user, and fusermount wants a name`,
      {
        cause: error,
        hint: 'In a container: --user with a user that its image has, or none. bundlefs build and stream do without a mount.',
      },
    );
  }
}

async function checkOwnership(mountPoint: string, uid: number): Promise<void> {
  const { mode, uid: owner } = await stat(mountPoint);
  const isWritable = await access(mountPoint, constants.W_OK).then(
    () => true,
    () => false,
  );
  const isForeignSticky = (mode & 0o1000) !== 0 && owner !== uid;
  if (isWritable && !isForeignSticky) return;
  throw new BundleError(
    'mount-point-invalid',
    `Cannot mount at "${mountPoint}": ${isWritable ? "it is somebody else's, with the sticky bit" : 'this user may not write to the folder'}`,
    { hint: `Name a folder of your own; or, as root: chown ${uid} "${mountPoint}"` },
  );
}

/**
 * Whether ordinary users may let others in, by the fuse.conf at `path`: read as fusermount does, which takes away what is
 * behind a `#` and the space around. Undefined where it cannot be read here; fusermount, which runs as root, still can.
 */
export async function findAllowOther(path: string): Promise<boolean | undefined> {
  try {
    return /^[^\S\n]*user_allow_other[^\S\n]*(#.*)?$/m.test(await readFile(path, 'utf8'));
  } catch (error) {
    return findErrno(error) === 'ENOENT' ? false : undefined;
  }
}

async function checkAllowOther(mountPoint: string, configPath: string): Promise<void> {
  if ((await findAllowOther(configPath)) !== false) return;
  throw new BundleError(
    'mount-unavailable',
    `Cannot let others read "${mountPoint}": "${configPath}" does not have the line user_allow_other`,
    {
      hint: [
        `As root: echo user_allow_other >> ${configPath}`,
        'Or leave out --allow-other: then this user alone can read the mount, not even root (dockerd, sudo).',
      ],
    },
  );
}
