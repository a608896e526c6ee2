/** Where a mount keeps what is not in the mount: its record, its log, its control socket. */
import { chmod, lstat, mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { digestOf, hexOf } from '../digest.ts';
import { BundleError, describeError } from '../errors.ts';

/** A name for the files of the mount at `mountPoint`, which is absolute and without symbolic links. */
export function mountId(mountPoint: string): string {
  return hexOf(digestOf(Buffer.from(mountPoint))).slice(0, 12);
}

/** The folder for logs and records, in the XDG state home (basedir-spec, $XDG_STATE_HOME). Throws where this user has none. */
export function stateFolder(environment: NodeJS.ProcessEnv): string {
  const state = environment['XDG_STATE_HOME'];
  return join(state?.startsWith('/') === true ? state : join(homedir(), '.local/state'), 'bundlefs');
}

export function logPathOf(mountPoint: string, environment: NodeJS.ProcessEnv): string {
  return join(stateFolder(environment), `mount-${mountId(mountPoint)}.log`);
}

/** Makes a folder that this user alone can look into. Throws mount-failed where it belongs to somebody else. */
export async function makePrivateFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    const info = await lstat(path);
    if (!info.isDirectory()) throw new Error('it is no folder');
    if (info.uid !== process.getuid?.()) throw new Error('it belongs to another user');
    if ((info.mode & 0o077) !== 0) await chmod(path, 0o700);
  } catch (error) {
    throw new BundleError('mount-failed', `Cannot make the folder "${path}": ${describeError(error)}`, {
      cause: error,
    });
  }
}

/** Where control sockets may lie, the best place first: the XDG runtime folder, and one in the state folder. */
export function socketFolders(environment: NodeJS.ProcessEnv): readonly string[] {
  const runtime = environment['XDG_RUNTIME_DIR'];
  return [
    ...(runtime?.startsWith('/') === true ? [join(runtime, 'bundlefs')] : []),
    join(stateFolder(environment), 'run'),
  ];
}
