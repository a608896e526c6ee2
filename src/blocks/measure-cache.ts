/** What a cache holds, by kind, in files and bytes. */
import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { findErrno } from '../errors.ts';
import type { Cache } from './cache.ts';
import { withCacheErrors } from './cache-error.ts';

export interface CacheMeasure {
  /** Per encoder: `xz6-crc64-5.4.1`. */
  readonly blocks: readonly FolderMeasure[];
  /** Per profile. */
  readonly layers: readonly FolderMeasure[];
  readonly configs: FolderMeasure;
  readonly recipes: FolderMeasure;
  /** Which config belongs to which image id of an engine. */
  readonly images: FolderMeasure;
  /** Damaged blocks that were set aside. */
  readonly bad: FolderMeasure;
}

export interface FolderMeasure {
  readonly name: string;
  readonly fileCount: number;
  /** Bytes of the files' content. */
  readonly size: number;
}

/** Counts the files of `cache`. Files that others add or remove meanwhile may or may not be counted. */
export async function measureCache(cache: Cache): Promise<CacheMeasure> {
  return withCacheErrors('read the cache', cache.root, async () => ({
    blocks: await measureEach(join(cache.root, 'blocks')),
    layers: await measureEach(join(cache.root, 'layers')),
    configs: await measureFolder(join(cache.root, 'configs'), 'configs'),
    recipes: await measureFolder(join(cache.root, 'recipes'), 'recipes'),
    images: await measureFolder(join(cache.root, 'images'), 'images'),
    bad: await measureFolder(join(cache.root, 'bad'), 'bad'),
  }));
}

async function measureEach(parent: string): Promise<FolderMeasure[]> {
  const folders = (await listFolder(parent))
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
  return Promise.all(folders.sort().map((name) => measureFolder(join(parent, name), name)));
}

async function measureFolder(folder: string, name: string): Promise<FolderMeasure> {
  let fileCount = 0;
  let size = 0;
  for (const entry of await listFolder(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      const inner = await measureFolder(path, name);
      fileCount += inner.fileCount;
      size += inner.size;
    } else if (entry.isFile()) {
      const info = await unlessGone(stat(path));
      if (info === undefined) continue;
      fileCount += 1;
      size += info.size;
    }
  }
  return { name, fileCount, size };
}

async function listFolder(path: string): Promise<Dirent[]> {
  return (await unlessGone(readdir(path, { withFileTypes: true }))) ?? [];
}

async function unlessGone<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found;
  } catch (error) {
    if (findErrno(error) === 'ENOENT') return undefined;
    throw error;
  }
}
