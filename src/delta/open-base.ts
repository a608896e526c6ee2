/** Finds the base that a name stands for: a bundle in a file or folder, its bundle.json, a recipe, or a build of the journal. */
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Cache } from '../blocks/cache.ts';
import { type Recipe, recipeDigest, recipeSchema } from '../blocks/recipe.ts';
import { openRecipe } from '../bundle/open-bundle.ts';
import { type Digest, findDigestOfHex, hexOf, isDigest } from '../digest.ts';
import { BundleError, describeError, findErrno, isBundleError } from '../errors.ts';
import { parseBundleDescription } from '../explain/bundle-description.ts';
import { countNumbers, finishedBuilds, numberBuilds } from '../explain/choose-build.ts';
import { openDiskFile } from '../file/disk-file.ts';
import { joinFiles } from '../file/joined-file.ts';
import type { VirtualFile } from '../file/virtual-file.ts';
import type { BundleDescription } from '../stick/bundle-description.ts';
import { descriptionName } from '../stick/file-names.ts';
import { folderOfPart, readBaseFolder } from './base-files.ts';
import { type DeltaBase, readBaseBundle, readBaseFile, type ReadBaseOptions } from './delta-base.ts';

export interface OpenBaseOptions extends ReadBaseOptions {
  readonly cache: Cache;
}

/**
 * The base that `given` is: `@N`, the build with that number (see numberBuilds); the digest of a recipe; a file or folder that is there;
 * undefined where it is none of these, and may be the name or id of an image. A part of a bundle stands for its folder. A file is read to its end; of the others only
 * what the cache does not know. Throws invalid-argument, archive-*, xz-*, block-missing.
 */
export async function findBase(given: string, options: OpenBaseOptions): Promise<DeltaBase | undefined> {
  const { cache } = options;
  const name = given.replace(/^recipe:/, ''); // as --from has it
  const build = /^@(\d{1,3})$/.exec(name)?.[1];
  if (build !== undefined) return openBuild(name, Number(build), options);
  const digest = findRecipeDigest(name);
  if (digest !== undefined) {
    const recipe = await cache.findRecipe(digest);
    if (recipe !== undefined) return openKept(recipe, `recipe ${digest.slice(7, 19)}`, options);
    if (name === given) return undefined; // an image's id is written the same
    throw notABase(name, `there is no such recipe in the cache "${cache.path}"`);
  }
  const info = await stat(name).catch((error: unknown) => {
    if (['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'].includes(findErrno(error) ?? '')) return undefined;
    throw new BundleError('source-failed', `Cannot read "${name}": ${describeError(error)}`, {
      cause: error,
    });
  });
  if (info === undefined) {
    if (!looksLikePath(name)) return undefined;
    throw new BundleError(
      'archive-not-found',
      `Cannot take "${name}" as the base: there is no such file or folder`,
    );
  }
  if (info.isDirectory()) return openFolder(name, options);
  if (name.endsWith('.json')) return openDocument(name, options);
  const folderOfAll = folderOfPart(name);
  return folderOfAll === undefined
    ? openFiles([name], basename(name), options)
    : openFolder(folderOfAll, options);
}

/** The digest that `name` is, with or without `sha256:`: a recipe's, or the id of an image. */
export function findRecipeDigest(name: string): Digest | undefined {
  return isDigest(name) ? name : findDigestOfHex(name);
}

/** What a slip of the pen in a path looks like; else it would be looked for among images. */
function looksLikePath(name: string): boolean {
  return /^\.{0,2}\/|\.(?:xz|tar|json)$/.test(name);
}

async function openBuild(name: string, index: number, options: OpenBaseOptions): Promise<DeltaBase> {
  const { cache } = options;
  const builds = numberBuilds(await cache.listBuilds());
  const build = builds.find(({ number }) => number === index);
  if (build === undefined) {
    const count = countNumbers(builds);
    throw notABase(
      name,
      `the journal of the cache "${cache.path}" has ${count} bundles`,
      count === 0 ? 'Name the bundle itself.' : `The oldest is @${count - 1}.`,
    );
  }
  const recipe = await cache.findRecipe(build.recipe);
  if (recipe === undefined) throw notABase(name, 'its recipe was collected', 'Name the bundle itself.');
  return openKept(recipe, `the build of ${build.startedAt.slice(0, 16).replace('T', ' ')} UTC`, options);
}

async function openFolder(folder: string, options: OpenBaseOptions): Promise<DeltaBase> {
  const { archive, description } = await readBaseFolder(folder);
  const title = description === undefined ? basename(folder) : titleOf(description);
  if (archive !== undefined) return openFiles(archive, title, options);
  if (description !== undefined) return openDescribed(description, join(folder, descriptionName), options);
  throw notABase(
    folder,
    'there is no bundle in it',
    'A folder with images.tar.xz or its parts, or with a bundle.json, was expected.',
  );
}

/** A recipe, with or without the line that the cache puts before it, or a bundle.json. */
async function openDocument(path: string, options: OpenBaseOptions): Promise<DeltaBase> {
  const text = (await readFile(path, 'utf8')).replace(/^sha256:[0-9a-f]{64}\n/, '');
  const description = parseBundleDescription(text, path);
  if (description !== undefined) return openDescribed(description, path, options);
  const recipe = recipeSchema.safeParse(JSON.parse(text));
  if (recipe.success) return openKept(recipe.data, basename(path), options);
  throw new BundleError(
    'archive-unsupported',
    `Cannot take "${path}" as the base: it is neither a bundle.json nor a recipe`,
  );
}

/** bundle.json names no blocks, but the whole bundle by its digest, and builds made here are known by theirs. */
async function openDescribed(
  description: BundleDescription,
  path: string,
  options: OpenBaseOptions,
): Promise<DeltaBase> {
  const recipe = await findRecipeOf(description.archive.sha256, options.cache);
  if (recipe !== undefined) {
    const base = await openKept(recipe, titleOf(description), options);
    if (hexOf(base.digest) === description.archive.sha256) return base;
  }
  throw notABase(
    path,
    `the cache "${options.cache.path}" does not know the bundle that it describes`,
    'Name its images.tar.xz, or the folder that it lies in, instead.',
  );
}

/** The recipe of which somebody said that its bundle has this sha256, in hex, among those that the journal names. */
async function findRecipeOf(sha256: string, cache: Cache): Promise<Recipe | undefined> {
  for (const digest of new Set(finishedBuilds(await cache.listBuilds()).map(({ recipe }) => recipe))) {
    if ((await cache.findClaim(digest))?.sha256 === sha256) return cache.findRecipe(digest);
  }
  return undefined;
}

async function openKept(recipe: Recipe, title: string, options: OpenBaseOptions): Promise<DeltaBase> {
  try {
    await using bundle = await openRecipe(options.cache, recipe);
    return await readBaseBundle(bundle, title, options);
  } catch (error) {
    if (!isBundleError(error, 'block-missing')) throw error;
    throw notABase(title, `the cache has lost a part of it`, 'Name its images.tar.xz instead.', error);
  }
}

async function openFiles(
  paths: readonly string[],
  title: string,
  options: OpenBaseOptions,
): Promise<DeltaBase> {
  const [first = ''] = paths;
  const files: VirtualFile[] = [];
  try {
    for (const path of paths) files.push(await openDiskFile(path));
    const place = paths.length > 1 ? dirname(first) : first;
    const base = await readBaseFile(joinFiles(files), title, { ...options, place });
    const recipe = await findRecipeOf(hexOf(base.digest), options.cache);
    if (recipe === undefined) return base;
    const makeup = { ...base.makeup, profile: recipe.profile };
    return { ...base, recipe: recipeDigest(recipe), makeup };
  } finally {
    for (const file of files) await file.close();
  }
}

function titleOf({ created, images }: BundleDescription): string {
  return `${images.length} image${images.length === 1 ? '' : 's'} of ${created}`;
}

function notABase(name: string, why: string, hint?: string, cause?: unknown): BundleError {
  return new BundleError('invalid-argument', `Cannot take "${name}" as the base: ${why}`, {
    ...(hint !== undefined && { hint }),
    ...(cause !== undefined && { cause }),
  });
}
