/**
 * `.bundlefs-copy`: what copies that have not finished have written into a folder, or may have; there from before the
 * first byte until all is in place. By it the next copy knows which files are its own, and which of them nobody wants any more.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { removeStalePartials, writeDurably } from '../../disk/write-durably.ts';
import { findErrno } from '../../ground/errors.ts';
import { readSmallFile } from '../../disk/read-small-file.ts';
import { isStickName } from '../../bundle/file-names.ts';

const noteName = '.bundlefs-copy';
const firstLine = 'bundlefs-copy-1: a copy is under way, or was stopped; the same command goes on from there';

/** Where the file that will be called `name` is written. */
export function partialName(name: string): string {
  return `.${name}.partial`;
}

/** The name that a file will have that is called `name` now, or undefined where that is no partial file of a copy. */
export function nameOfPartial(name: string): string | undefined {
  const final = /^\.(.+)\.partial$/.exec(name)?.[1];
  return final !== undefined && isStickName(final) ? final : undefined;
}

/** Whether `name` is the note itself. */
export function isNote(name: string): boolean {
  return name === noteName || (name.startsWith(`.${noteName}.`) && name.endsWith('.partial'));
}

/** The names in the note of `folder`; undefined where there is none. */
export async function readNote(folder: string): Promise<readonly string[] | undefined> {
  const text = await readTextIfThere(join(folder, noteName));
  if (text === undefined) return undefined;
  const [first, ...names] = text.split('\n');
  return first === firstLine ? names.filter(isStickName) : undefined;
}

export async function writeNote(folder: string, names: Iterable<string>): Promise<void> {
  const lines = [firstLine, ...[...new Set(names)].sort()];
  await writeDurably(join(folder, noteName), Buffer.from(`${lines.join('\n')}\n`));
}

export async function removeNote(folder: string): Promise<void> {
  await rm(join(folder, noteName), { force: true });
  await removeStalePartials(folder, noteName);
}

/** The text of the file at `path`; undefined where there is none, and not where it cannot be read. */
export async function readTextIfThere(path: string): Promise<string | undefined> {
  try {
    return (await readSmallFile(path)).toString('utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP'].includes(findErrno(error) ?? '')) return undefined;
    throw error;
  }
}
