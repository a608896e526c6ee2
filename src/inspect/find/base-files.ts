/** The files that a base is read from, where it is named by a path. */
import { splitPath } from '../../place/place.ts';
import { stat } from '../../disk/named-files.ts';
import { basename, dirname, join } from 'node:path';
import { folderOfPart, readBundleFolder } from './bundle-folder.ts';
import { archiveName, descriptionName, smallNames } from '../../bundle/file-names.ts';

/**
 * All files that the base `given` may be read from, also those of its stick that only go with it: no output may replace
 * them. What is no path stands for itself.
 */
export async function listBaseFiles(given: string): Promise<string[]> {
  const name = splitPath(given).path;
  const isFolder = await stat(name).then(
    (info) => info.isDirectory(),
    () => false,
  );
  const folder = isFolder ? name : (folderOfPart(name) ?? folderOfStick(name));
  if (folder === undefined) return [name];
  // What is wrong with it is said when it is opened.
  const found = await readBundleFolder(folder).catch(() => undefined);
  const named = found?.description?.parts.map((part) => join(folder, part.name)) ?? [];
  return [
    ...(isFolder ? [] : [name]),
    ...[archiveName, ...smallNames, 'recipe.json'].map((file) => join(folder, file)),
    ...(found?.archive ?? named),
  ];
}

/** The folder of a whole archive or its description. */
function folderOfStick(path: string): string | undefined {
  return [archiveName, descriptionName].includes(basename(path)) ? dirname(path) : undefined;
}
