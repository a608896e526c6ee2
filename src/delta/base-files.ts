/** The files that a base is read from, where it is named by a path. */
import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { BundleError, describeError } from '../errors.ts';
import { parseBundleDescription } from '../explain/bundle-description.ts';
import { readSmallFile } from '../read-small-file.ts';
import type { BundleDescription } from '../stick/bundle-description.ts';
import { archiveName, descriptionName, smallNames } from '../stick/file-names.ts';

export interface BaseFolder {
  /** Of the archive or its parts, in their order; undefined where one of them is not there. */
  readonly archive: readonly string[] | undefined;
  /** What its bundle.json says, where it has one. */
  readonly description: BundleDescription | undefined;
}

/** What `folder` has of a bundle. Throws archive-corrupt for a bundle.json that is damaged. */
export async function readBaseFolder(folder: string): Promise<BaseFolder> {
  const path = join(folder, descriptionName);
  const description = (await isFile(path))
    ? parseBundleDescription(await readBaseDocument(path), path)
    : undefined;
  const names = description?.parts.map(({ name }) => name) ?? (await listArchive(folder));
  const paths = names.map((name) => join(folder, name));
  const isWhole = paths.length > 0 && !(await Promise.all(paths.map(isFile))).includes(false);
  return { archive: isWhole ? paths : undefined, description };
}

/** The text of a bundle.json or a recipe. Throws source-failed. */
export async function readBaseDocument(path: string): Promise<string> {
  const bytes = await readSmallFile(path).catch((error: unknown) => {
    throw new BundleError('source-failed', `Cannot read "${path}": ${describeError(error)}`, {
      cause: error,
    });
  });
  return bytes.toString('utf8');
}

/** `images.tar.xz`, or the parts that lie there, up to the first that does not. */
async function listArchive(folder: string): Promise<string[]> {
  if (await isFile(join(folder, archiveName))) return [archiveName];
  const names: string[] = [];
  for (;;) {
    const name = `${archiveName}.${String(names.length + 1).padStart(3, '0')}`;
    if (!(await isFile(join(folder, name)))) return names;
    names.push(name);
  }
}

/** The folder of a part of the archive, `images.tar.xz.001`, which is no base by itself; undefined for other files. */
export function folderOfPart(path: string): string | undefined {
  const name = basename(path);
  return name.startsWith(`${archiveName}.`) && /\.\d{3,}$/.test(name) ? dirname(path) : undefined;
}

/**
 * All files that the base `given` may be read from, also those of its stick that only go with it: no output may replace
 * them. What is no path stands for itself.
 */
export async function listBaseFiles(given: string): Promise<string[]> {
  const name = given.replace(/^recipe:/, '');
  const isFolder = await stat(name).then(
    (info) => info.isDirectory(),
    () => false,
  );
  const folder = isFolder ? name : (folderOfPart(name) ?? folderOfStick(name));
  if (folder === undefined) return [name];
  // What is wrong with it is said when it is opened.
  const found = await readBaseFolder(folder).catch(() => undefined);
  const named = found?.description?.parts.map((part) => join(folder, part.name)) ?? [];
  return [
    ...(isFolder ? [] : [name]),
    ...[archiveName, ...smallNames].map((file) => join(folder, file)),
    ...(found?.archive ?? named),
  ];
}

/** The folder of a whole archive or its description. */
function folderOfStick(path: string): string | undefined {
  return [archiveName, descriptionName].includes(basename(path)) ? dirname(path) : undefined;
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (info) => info.isFile(),
    () => false,
  );
}
