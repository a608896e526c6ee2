/** Sockets below long paths: the kernel takes 107 bytes of a path (unix(7), sun_path). */
import { type FileHandle, open } from 'node:fs/promises';
import { basename, dirname } from 'node:path';

const longestPath = 107;

export interface ShortSocketPath extends AsyncDisposable {
  /** Leads to the same socket until this is disposed of. */
  readonly path: string;
}

/** `path` itself where it is short enough, else one that goes through an open descriptor of its folder. */
export async function shortenSocketPath(path: string): Promise<ShortSocketPath> {
  if (Buffer.byteLength(path) <= longestPath) return { path, [Symbol.asyncDispose]: () => Promise.resolve() };
  const folder: FileHandle = await open(dirname(path), 'r');
  return {
    path: `/proc/self/fd/${folder.fd}/${basename(path)}`,
    [Symbol.asyncDispose]: () => folder.close(),
  };
}
