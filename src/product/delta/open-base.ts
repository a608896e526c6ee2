/** Finds the base that a name stands for: a bundle in a file or folder, its bundle.json, a recipe, or a build of the journal. */
import { splitPath } from '../../place/place.ts';
import { basename, dirname } from 'node:path';
import type { Cache } from '../../cache/cache.ts';
import { type Recipe, recipeDigest } from '../../plan/layout/recipe.ts';
import { openRecipe } from '../../bundle/open-bundle.ts';
import { hexOf } from '../../ground/digest.ts';
import { BundleError, isBundleError } from '../../ground/errors.ts';
import { finishedBuilds } from '../../inspect/find/choose-build.ts';
import { findBundle, type FoundBundle, type FoundRecipe } from '../../inspect/find/find-bundle.ts';
import { openDiskFile } from '../../file/disk-file.ts';
import { joinFiles } from '../../file/joined-file.ts';
import type { VirtualFile } from '../../file/virtual-file.ts';
import type { BundleDescription } from '../../bundle/description.ts';
import { type DeltaBase, readBaseBundle, readBaseFile, type ReadBaseOptions } from './delta-base.ts';

export interface OpenBaseOptions extends ReadBaseOptions {
  readonly cache: Cache;
}

/**
 * The base that `given` names: see findBundle. Undefined if it may be the name or id of an image. A file is read to its
 * end; of the others only what the cache does not know. Throws invalid-argument, archive-*, xz-*, block-missing.
 */
export async function findBase(given: string, options: OpenBaseOptions): Promise<DeltaBase | undefined> {
  const found = await findBundle(given, { openCache: () => Promise.resolve(options.cache), cannot });
  switch (found?.kind) {
    case undefined:
      if (!looksLikePath(given)) return undefined;
      throw new BundleError('archive-not-found', `${cannot(given)}: there is no such file or folder`);
    case 'recipe':
      return openKept(found.recipe, titleOfRecipe(found), options);
    case 'archive':
      return openFiles(found.paths, titleOfArchive(found), options);
    case 'description':
      return openDescribed(found.description, found.path, options);
    case 'layout':
    case 'folder':
      throw notABase(
        found.name,
        'there is no bundle in it',
        'A folder with images.tar.xz or its parts, or with a bundle.json or recipe.json, was expected.',
      );
  }
}

function titleOfRecipe({ name, startedAt, digest }: FoundRecipe): string {
  if (startedAt !== undefined) return `the build of ${startedAt.slice(0, 16).replace('T', ' ')} UTC`;
  return digest === undefined ? basename(name) : `recipe ${digest.slice(7, 19)}`;
}

function titleOfArchive({ name, folder, description }: Extract<FoundBundle, { kind: 'archive' }>): string {
  return description === undefined ? basename(folder ?? name) : titleOf(description);
}

/** What a slip of the pen in a path looks like; else it would be looked for among images. */
function looksLikePath(name: string): boolean {
  return /^\.{0,2}\/|\.(?:xz|tar|json)$/.test(splitPath(name).path);
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

function notABase(name: string, why: string, hint: string, cause?: unknown): BundleError {
  return new BundleError('invalid-argument', `${cannot(name)}: ${why}`, { hint, cause });
}

function cannot(name: string): string {
  return `Cannot take "${name}" as the base`;
}
