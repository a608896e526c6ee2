/** What lies in the folder that a copy goes to, and what of it is of bundlefs. */
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Digest } from '../../ground/digest.ts';
import { findErrno } from '../../ground/errors.ts';
import { bundleDescriptionSchema } from '../../bundle/description.ts';
import { descriptionName, isStickName, scriptNames, smallNames, sumsName } from '../../bundle/file-names.ts';
import { isNote, nameOfPartial, readNote, readTextIfThere } from './copy-note.ts';
import { parseSums } from './folder-source.ts';

export interface FoundFile {
  readonly size: number;
  /** Bytes that it takes on the disk. */
  readonly allocatedSize: number;
  /** False for folders, links and devices. */
  readonly isRegular: boolean;
}

export interface Survey {
  /** Everything that has a name that a copy gives. */
  readonly files: ReadonlyMap<string, FoundFile>;
  /** What copies that were stopped left half-written, by the names that the files were to get. */
  readonly partials: ReadonlyMap<string, FoundFile>;
  /** The digests that files had when they were copied: of a whole bundle that lies there. */
  readonly sums: ReadonlyMap<string, Digest>;
  /** Names that earlier copies wrote, or may have written. */
  readonly ours: ReadonlySet<string>;
  /** What else is there: other people's. */
  readonly others: readonly string[];
}

/** What file systems and desktops make by themselves, and nobody misses in a list. */
const ownNames: readonly string[] = ['lost+found', 'System Volume Information', '$RECYCLE.BIN'];

export async function surveyTarget(folder: string): Promise<Survey> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (findErrno(error) === 'ENOENT') return undefined;
    throw error;
  });
  const files = new Map<string, FoundFile>();
  const partials = new Map<string, FoundFile>();
  const others: string[] = [];
  for (const name of names ?? []) {
    const final = nameOfPartial(name);
    if (isStickName(name)) files.set(name, await look(join(folder, name)));
    else if (final !== undefined) partials.set(final, await look(join(folder, name)));
    else if (!isNote(name) && !ownNames.includes(name)) others.push(name);
  }
  const sums = await readSums(folder);
  const ours = new Set([
    ...((await readNote(folder)) ?? []),
    ...sums.keys(),
    ...(sums.size > 0 ? [sumsName] : await readDescribed(folder)),
  ]);
  return { files, partials, sums, ours, others: others.sort() };
}

async function look(path: string): Promise<FoundFile> {
  const info = await lstat(path);
  return { size: info.size, allocatedSize: info.blocks * 512, isRegular: info.isFile() };
}

/** Of a stick: somebody else's SHA256SUMS does not list these files. */
async function readSums(folder: string): Promise<ReadonlyMap<string, Digest>> {
  const sums = parseSums((await readTextIfThere(join(folder, sumsName))) ?? '');
  const isOurs = sums?.has(descriptionName) === true && scriptNames.every((name) => sums.has(name));
  if (!isOurs) return new Map();
  return new Map([...sums].filter(([name]) => isStickName(name)));
}

/** Where the sums are lost, bundle.json tells as well that this is a stick, and which parts it has. */
async function readDescribed(folder: string): Promise<readonly string[]> {
  const text = await readTextIfThere(join(folder, descriptionName));
  if (text === undefined) return [];
  try {
    const { parts } = bundleDescriptionSchema.parse(JSON.parse(text));
    return [...parts.map(({ name }) => name), ...smallNames];
  } catch {
    return [];
  }
}
