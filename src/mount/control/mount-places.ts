/** Where a mount keeps what is not in the mount: its record, its log, its control socket. */
import { join } from 'node:path';
import { digestOf, hexOf } from '../../ground/digest.ts';
import { canonicalPath } from '../../disk/canonical-path.ts';
import { stateFolder } from '../../disk/own/state-folder.ts';

/** A name for the files of the mount at `mountPoint`, which is absolute and without symbolic links. */
export function mountId(mountPoint: string): string {
  return hexOf(digestOf(Buffer.from(mountPoint))).slice(0, 12);
}

/** The folder of the records of mounts. */
export function recordFolder(environment: NodeJS.ProcessEnv): string {
  return join(stateFolder(environment), 'mounts');
}

export function logPathOf(mountPoint: string, environment: NodeJS.ProcessEnv): string {
  return join(stateFolder(environment), `mount-${mountId(mountPoint)}.log`);
}

/** Where control sockets may lie, the best place first: the XDG runtime folder, and one in the state folder. */
export function socketFolders(environment: NodeJS.ProcessEnv): readonly string[] {
  const runtime = environment['XDG_RUNTIME_DIR'];
  return [
    ...(runtime?.startsWith('/') === true ? [join(canonicalPath(runtime), 'bundlefs')] : []),
    join(stateFolder(environment), 'run'),
  ];
}
