/** Finds the bundle that a name stands for: a build of the journal, a recipe, a folder, a bundle.json, or an archive. */
import { splitPath } from '../../place/place.ts';
import { stat } from '../../disk/named-files.ts';
import { join } from 'node:path';
import type { Cache } from '../../cache/cache.ts';
import { type Recipe, recipeSchema } from '../../plan/layout/recipe.ts';
import { type Digest, findDigestOfHex, isDigest } from '../../ground/digest.ts';
import { BundleError, describeError, findErrno } from '../../ground/errors.ts';
import { type BundleDescription, parseBundleDescription } from '../../bundle/description.ts';
import { descriptionName } from '../../bundle/file-names.ts';
import { folderOfPart, isFile, readBundleFolder, readDocument } from './bundle-folder.ts';
import { countNumbers, numberBuilds } from './choose-build.ts';

/** What was found; `name` is what it was called by, without `recipe:` or `oci:`. Nothing of it is open. */
export type FoundBundle =
  | FoundRecipe
  /** Files that are the archive: one, or its parts in their order. */
  | {
      readonly kind: 'archive';
      readonly name: string;
      readonly paths: readonly string[];
      /** The folder that was named, or that a part was named of. */
      readonly folder?: string | undefined;
      readonly description?: BundleDescription | undefined;
    }
  /** A bundle.json, without its archive. */
  | {
      readonly kind: 'description';
      readonly name: string;
      readonly path: string;
      readonly description: BundleDescription;
    }
  /** A folder with an OCI layout, or with nothing that is known. */
  | { readonly kind: 'layout' | 'folder'; readonly name: string; readonly folder: string };

export interface FoundRecipe {
  readonly kind: 'recipe';
  readonly name: string;
  readonly recipe: Recipe;
  /** The cache that knows it, or that has its blocks. */
  readonly cache: Cache;
  /** When the build began whose number was named. */
  readonly startedAt?: string;
  /** The digest that was named. */
  readonly digest?: Digest;
}

export interface FindBundleOptions {
  /** Opens the cache: called only if a recipe or a build is named. Throws cache-failed if there is none. */
  readonly openCache: () => Promise<Cache>;
  /** How messages begin: `Cannot compare "@1"`. */
  readonly cannot: (name: string) => string;
}

const recipeNames = ['.bundlefs/recipe.json', 'recipe.json'];

/**
 * What `given` is, in this order: `@N`, the build of the journal with that number (see numberBuilds); the digest of a
 * recipe of the cache, or its 64 hex digits alone; a file or a folder that is there. A part of an archive stands for its
 * folder. `recipe:` and `oci:` may stand before it, as for `--from`. Undefined if it is none of these: it may be the name
 * or the id of an image. Throws invalid-argument, archive-*, source-failed, cache-*.
 */
export async function findBundle(
  given: string,
  options: FindBundleOptions,
): Promise<FoundBundle | undefined> {
  const { kind, path: name } = splitPath(given);
  if (name === '') throw refuse(options, given, 'nothing is named');
  const build = /^@(\d{1,3})$/.exec(name)?.[1];
  if (build !== undefined) return findBuild(name, Number(build), options);
  const digest = findRecipeDigest(name);
  if (digest !== undefined) {
    const cache = await options.openCache();
    const recipe = await cache.findRecipe(digest);
    if (recipe !== undefined) return { kind: 'recipe', name, recipe, cache, digest };
    if (kind === 'archive') return undefined; // an image's id is written the same
    throw noSuchRecipe(name, cache, options);
  }
  const info = await stat(name).catch((error: unknown) => {
    if (['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'].includes(findErrno(error) ?? '')) return undefined;
    throw new BundleError('source-failed', `Cannot read "${name}": ${describeError(error)}`, {
      cause: error,
    });
  });
  if (info === undefined) return undefined;
  if (info.isDirectory()) return findInFolder(name, options);
  if (name.endsWith('.json') || kind === 'recipe') return findDocument(name, name, options);
  const folder = folderOfPart(name);
  return folder === undefined
    ? { kind: 'archive', name, paths: [name] }
    : findInFolder(folder, options, name);
}

/** The digest that `name` is, with or without `sha256:`: a recipe's, or the id of an image. */
export function findRecipeDigest(name: string): Digest | undefined {
  return isDigest(name) ? name : findDigestOfHex(name);
}

/** The error for a recipe that the cache has not. */
export function noSuchRecipe(
  name: string,
  cache: Cache,
  options: Pick<FindBundleOptions, 'cannot'>,
): BundleError {
  return refuse(
    options,
    name,
    `there is no such recipe in the cache "${cache.path}"`,
    'It may have been collected. Name the cache that has it with --cache, or a file.',
  );
}

async function findBuild(name: string, index: number, options: FindBundleOptions): Promise<FoundRecipe> {
  const cache = await options.openCache();
  const builds = numberBuilds(await cache.listBuilds());
  const build = builds.find(({ number }) => number === index);
  if (build === undefined) {
    const count = countNumbers(builds);
    throw refuse(
      options,
      name,
      `the journal of the cache "${cache.path}" has ${count} bundles`,
      count === 0 ? 'Build a bundle first, or name a file.' : `The oldest is @${count - 1}.`,
    );
  }
  const recipe = await cache.findRecipe(build.recipe);
  if (recipe === undefined) throw noSuchRecipe(name, cache, options);
  return { kind: 'recipe', name, recipe, cache, startedAt: build.startedAt };
}

async function findInFolder(folder: string, options: FindBundleOptions, name = folder): Promise<FoundBundle> {
  const { archive, description } = await readBundleFolder(folder);
  if (archive !== undefined) return { kind: 'archive', name, paths: archive, folder, description };
  for (const file of [...recipeNames, descriptionName]) {
    const path = join(folder, file);
    if (await isFile(path)) return findDocument(path, name, options);
  }
  return { kind: (await isFile(join(folder, 'index.json'))) ? 'layout' : 'folder', name, folder };
}

/** A recipe or a bundle.json, with or without the line that the cache puts before it. */
async function findDocument(path: string, name: string, options: FindBundleOptions): Promise<FoundBundle> {
  const text = (await readDocument(path)).replace(/^sha256:[0-9a-f]{64}\n/, '');
  const description = parseBundleDescription(text, path);
  if (description !== undefined) return { kind: 'description', name, path, description };
  const recipe = recipeSchema.safeParse(JSON.parse(text)); // parseBundleDescription has parsed it, too
  if (recipe.success) return { kind: 'recipe', name, recipe: recipe.data, cache: await options.openCache() };
  throw new BundleError(
    'archive-unsupported',
    `${options.cannot(path)}: it is neither a recipe nor a bundle.json`,
  );
}

function refuse(
  { cannot }: Pick<FindBundleOptions, 'cannot'>,
  name: string,
  why: string,
  hint?: string,
): BundleError {
  return new BundleError('invalid-argument', `${cannot(name)}: ${why}`, { hint });
}
