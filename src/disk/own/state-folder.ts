/** The folder for what bundlefs keeps of this user: logs, records of mounts, what is known of caches. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { canonicalPath } from '../canonical-path.ts';

/** In the XDG state home (basedir-spec, $XDG_STATE_HOME), whose links are followed: the user named it. Throws where this user has none. */
export function stateFolder(environment: NodeJS.ProcessEnv): string {
  const state = environment['XDG_STATE_HOME'];
  const home = state?.startsWith('/') === true ? state : join(homedir(), '.local/state');
  return join(canonicalPath(home), 'bundlefs');
}
