/** The files and folders right in a folder of ours, with what others remove meanwhile left out. */
import type { Stats } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { findErrno } from '../../ground/errors.ts';
import { describeKind, ForeignThingError } from './foreign-thing.ts';
import { type OpenFolder, openOwnFolder } from './open-folder.ts';

export interface FoundFile {
  readonly name: string;
  readonly path: string;
  /** Bytes of its content. */
  readonly size: number;
  readonly mtimeMs: number;
}

/** Something in a folder of ours that is none of our files: it is passed over. */
export interface Stranger {
  readonly path: string;
  /** What it is, as the rest of a sentence: `is a symbolic link, not a file`. */
  readonly found: string;
}

export type OnStranger = (stranger: Stranger) => void;

/** The regular files in `folder` whose names have the `form`, sorted by name; none where it is missing. */
export function listOwnFiles(folder: string, form: RegExp, onStranger?: OnStranger): Promise<FoundFile[]> {
  return list(folder, form, (info) => (info.isFile() ? undefined : 'not a file'), onStranger);
}

/** The names of the folders in `folder` that have the `form`, sorted; none where it is missing. */
export async function listOwnFolders(
  folder: string,
  form: RegExp,
  onStranger?: OnStranger,
): Promise<string[]> {
  const wrong = (info: Stats): string | undefined => (info.isDirectory() ? undefined : 'not a folder');
  return (await list(folder, form, wrong, onStranger)).map(({ name }) => name);
}

/** Whatever is in `folder` with a name of the `form` and is no folder: links and pipes, too, themselves. */
export function listOwnThings(folder: string, form: RegExp): Promise<FoundFile[]> {
  return list(folder, form, (info) => (info.isDirectory() ? 'not a file' : undefined));
}

async function list(
  path: string,
  form: RegExp,
  findFault: (info: Stats) => string | undefined,
  onStranger?: OnStranger,
): Promise<FoundFile[]> {
  using folder = openFolder(path, onStranger);
  if (folder === undefined) return [];
  return await folder.run(async () => {
    const names = (await readdir(folder.at('.'))).sort();
    const found = await Promise.all(
      names.map(async (name): Promise<FoundFile | undefined> => {
        const own = join(path, name);
        const info = await unlessGone(lstat(folder.at(name)));
        if (info === undefined) return undefined;
        const fault = findFault(info);
        if (fault === undefined && form.test(name)) {
          return { name, path: own, size: info.size, mtimeMs: info.mtimeMs };
        }
        const found =
          fault === undefined ? 'has a name that none of our files has' : `${describeKind(info)}, ${fault}`;
        onStranger?.({ path: own, found });
        return undefined;
      }),
    );
    return found.filter((file) => file !== undefined);
  });
}

/** Whoever wants to hear of strangers goes on without a folder that is one. */
function openFolder(path: string, onStranger: OnStranger | undefined): OpenFolder | undefined {
  try {
    return openOwnFolder(path);
  } catch (error) {
    if (findErrno(error) === 'ENOENT') return undefined;
    if (!(error instanceof ForeignThingError) || onStranger === undefined) throw error;
    onStranger({ path: error.path, found: error.message.slice(`"${error.path}" `.length) });
    return undefined;
  }
}

async function unlessGone<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found;
  } catch (error) {
    if (findErrno(error) === 'ENOENT') return undefined;
    throw error;
  }
}
