/** What lies where a file or folder of ours is expected, and is none: a link, a pipe, a device, somebody else's folder. */
import type { Stats } from 'node:fs';

/**
 * Thrown in the place of an error of the system, with a `code` as those have. The message names the path at fault and
 * says what is there. Nothing was read from it, written to it or waited for.
 */
export class ForeignThingError extends Error {
  override readonly name = 'ForeignThingError';
  readonly code = 'EFOREIGN';
  readonly path: string;

  constructor(path: string, found: string) {
    super(`"${path}" ${found}`);
    this.path = path;
  }
}

/** `is a symbolic link`, `is a named pipe` …: the kind of `info`, as the rest of a sentence. */
export function describeKind(
  info: Pick<Stats, 'isFile' | 'isDirectory' | 'isSymbolicLink' | 'isFIFO' | 'isSocket'>,
): string {
  if (info.isSymbolicLink()) return 'is a symbolic link';
  if (info.isDirectory()) return 'is a folder';
  if (info.isFile()) return 'is a file';
  if (info.isFIFO()) return 'is a named pipe';
  return info.isSocket() ? 'is a socket' : 'is a device';
}
