/** A path without symbolic links. */
import { realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { findErrno } from '../ground/errors.ts';

/**
 * The absolute path of what the user named: links in it are followed now, once. What is not there yet keeps its name.
 * Below it, no link is followed any more (see openOwnFolder).
 */
export function canonicalPath(path: string): string {
  const absolute = resolve(path);
  try {
    return realpathSync(absolute);
  } catch (error) {
    if (findErrno(error) !== 'ENOENT' || dirname(absolute) === absolute) throw error;
    return join(canonicalPath(dirname(absolute)), basename(absolute));
  }
}
