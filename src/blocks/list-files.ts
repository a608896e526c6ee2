/** The files and folders right in a folder of the cache, with what others remove meanwhile left out. */
import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { findErrno } from '../errors.ts';

export interface FoundFile {
  readonly name: string;
  readonly path: string;
  /** Bytes of its content. */
  readonly size: number;
  readonly mtimeMs: number;
}

/** The regular files in `folder`, sorted by name; none where it is missing. */
export async function listFiles(folder: string): Promise<FoundFile[]> {
  const names = (await listEntries(folder)).filter((entry) => entry.isFile()).map((entry) => entry.name);
  const files = await Promise.all(
    names.sort().map(async (name): Promise<FoundFile | undefined> => {
      const path = join(folder, name);
      const info = await unlessGone(stat(path));
      return info && { name, path, size: info.size, mtimeMs: info.mtimeMs };
    }),
  );
  return files.filter((file) => file !== undefined);
}

/** The names of the folders in `folder`, sorted; none where it is missing. */
export async function listFolders(folder: string): Promise<string[]> {
  const entries = await listEntries(folder);
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

async function listEntries(path: string): Promise<Dirent[]> {
  return (await unlessGone(readdir(path, { withFileTypes: true }))) ?? [];
}

async function unlessGone<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found;
  } catch (error) {
    if (findErrno(error) === 'ENOENT' || findErrno(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}
