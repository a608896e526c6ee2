/** The files of a bundle in a folder: the archive, whole or in parts, and its bundle.json. */
import { stat } from '../../disk/named-files.ts';
import { basename, dirname, join } from 'node:path';
import { BundleError, describeError } from '../../ground/errors.ts';
import { readSmallFile } from '../../disk/read-small-file.ts';
import { type BundleDescription, parseBundleDescription } from '../../bundle/description.ts';
import { archiveName, descriptionName } from '../../bundle/file-names.ts';

export interface BundleFolder {
  /** Paths of the archive or its parts, in their order; undefined if one of them is not there. */
  readonly archive: readonly string[] | undefined;
  /** What its bundle.json says, if it has one. */
  readonly description: BundleDescription | undefined;
}

/** What `folder` has of a bundle. Throws archive-corrupt for a bundle.json that is damaged, source-failed. */
export async function readBundleFolder(folder: string): Promise<BundleFolder> {
  const path = join(folder, descriptionName);
  const description = (await isFile(path))
    ? parseBundleDescription(await readDocument(path), path)
    : undefined;
  const names = description?.parts.map(({ name }) => name) ?? (await listArchive(folder));
  const paths = names.map((name) => join(folder, name));
  const isWhole = paths.length > 0 && !(await Promise.all(paths.map(isFile))).includes(false);
  return { archive: isWhole ? paths : undefined, description };
}

/** The text of a bundle.json or a recipe. Throws source-failed. */
export async function readDocument(path: string): Promise<string> {
  const bytes = await readSmallFile(path, { acceptsPipes: true }).catch((error: unknown) => {
    throw new BundleError('source-failed', `Cannot read "${path}": ${describeError(error)}`, {
      cause: error,
    });
  });
  return bytes.toString('utf8');
}

/** The folder of a part of an archive, `images.tar.xz.001`, which is no bundle by itself; undefined for other files. */
export function folderOfPart(path: string): string | undefined {
  const name = basename(path);
  return name.startsWith(`${archiveName}.`) && /\.\d{3,}$/.test(name) ? dirname(path) : undefined;
}

export async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (info) => info.isFile(),
    () => false,
  );
}

/** `images.tar.xz`, or the parts that are there, up to the first that is not. */
async function listArchive(folder: string): Promise<string[]> {
  if (await isFile(join(folder, archiveName))) return [archiveName];
  const names: string[] = [];
  for (;;) {
    const name = `${archiveName}.${String(names.length + 1).padStart(3, '0')}`;
    if (!(await isFile(join(folder, name)))) return names;
    names.push(name);
  }
}
