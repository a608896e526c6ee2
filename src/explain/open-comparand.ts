/** Opens one side of a comparison: an archive, a folder with a bundle, a mount, an OCI layout, a recipe, or a build of the journal. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cache } from '../blocks/cache.ts';
import { type Recipe, recipeSchema } from '../blocks/recipe.ts';
import { openRecipe } from '../bundle/open-bundle.ts';
import { type Digest, findDigestOfHex, isDigest } from '../digest.ts';
import { BundleError, describeError, findErrno, isBundleError } from '../errors.ts';
import { readSmallFile } from '../read-small-file.ts';
import { openDiskFile } from '../file/disk-file.ts';
import type { VirtualFile } from '../file/virtual-file.ts';
import { createFolderTable } from '../sources/oci-layout/folder-table.ts';
import { joinFiles } from '../file/joined-file.ts';
import type { BundleDescription } from '../stick/bundle-description.ts';
import type { BundleContents } from './bundle-contents.ts';
import { describeContents, parseBundleDescription } from './bundle-description.ts';
import { countNumbers, numberBuilds } from './choose-build.ts';
import type { FindLayer } from './layer-library.ts';
import { readArchiveContents } from './read-archive-contents.ts';
import { readRecipeRecords } from './read-recipe-records.ts';
import { readTableContents } from './read-table-contents.ts';

export interface Comparand extends AsyncDisposable {
  readonly contents: BundleContents;
  readonly findLayer: FindLayer;
  /** What bundle.json says, where one lies there. */
  readonly description?: BundleDescription;
}

export interface OpenComparandOptions {
  /** Opens the cache: called only where a recipe or a build is named. Throws cache-failed where there is none. */
  readonly openCache: () => Promise<Cache>;
  readonly signal?: AbortSignal;
  /** Bytes of a file that must be read to its end, so far and in all. */
  readonly onRead?: (done: number, total: number) => void;
}

/**
 * What `given` is, in this order: `@N`, the build of the cache's journal with that number (see numberBuilds); a digest of a recipe of
 * the cache, or its 64 hex digits alone; a file or folder. Throws invalid-argument for a build or
 * recipe that is not there, archive-*, xz-*, cache-*.
 */
export async function openComparand(given: string, options: OpenComparandOptions): Promise<Comparand> {
  const name = given.replace(/^recipe:/, ''); // as --from has it
  const build = /^@(\d{1,3})$/.exec(name)?.[1];
  if (build !== undefined) return openBuild(name, Number(build), options);
  const digest = isDigest(name) ? name : findDigestOfHex(name);
  if (digest !== undefined) return openRecipeOfCache(name, digest, options);
  const info = await stat(name).catch((error: unknown) => {
    if (['ENOENT', 'ENOTDIR'].includes(findErrno(error) ?? '')) return undefined;
    throw new BundleError('source-failed', `Cannot read "${name}": ${describeError(error)}`, {
      cause: error,
    });
  });
  if (info === undefined) {
    throw new BundleError('archive-not-found', `Cannot compare "${name}": there is no such file or folder`, {
      hint: 'Name a bundle or another image archive, a folder or mount that holds one, @0 for the last build, or the digest of a recipe.',
    });
  }
  if (info.isDirectory()) return openFolder(name, options);
  return name.endsWith('.json') ? openDocument(name, options) : openArchiveFiles([name], options, name);
}

async function openBuild(name: string, index: number, options: OpenComparandOptions): Promise<Comparand> {
  const cache = await options.openCache();
  const builds = numberBuilds(await cache.listBuilds());
  const build = builds.find(({ number }) => number === index);
  if (build === undefined) {
    const count = countNumbers(builds);
    throw new BundleError(
      'invalid-argument',
      `Cannot compare "${name}": the journal of the cache "${cache.path}" has ${count} bundles`,
      { hint: count === 0 ? 'Build a bundle first.' : `The oldest is @${count - 1}.` },
    );
  }
  return openRecipeOfCache(
    `${name} (${build.startedAt.slice(0, 16).replace('T', ' ')})`,
    build.recipe,
    options,
  );
}

async function openRecipeOfCache(
  label: string,
  digest: Digest,
  options: OpenComparandOptions,
): Promise<Comparand> {
  const cache = await options.openCache();
  const recipe = await cache.findRecipe(digest);
  if (recipe === undefined) {
    throw new BundleError(
      'invalid-argument',
      `Cannot compare "${label}": there is no such recipe in the cache "${cache.path}"`,
      {
        hint: 'It may have been collected. Name the cache that has it with --cache, or a file.',
      },
    );
  }
  return openRecipeContents(label, recipe, cache, options);
}

/** From its blocks where the cache has them all; from its records, without files, where it does not. */
async function openRecipeContents(
  label: string,
  recipe: Recipe,
  cache: Cache,
  options: OpenComparandOptions,
): Promise<Comparand> {
  try {
    const bundle = await openRecipe(cache, recipe);
    return await openXz(label, bundle.xz, options, async () => bundle[Symbol.asyncDispose]());
  } catch (error) {
    if (!isBundleError(error, 'block-missing')) throw error;
    return withoutLayers(await readRecipeRecords(label, recipe, cache));
  }
}

async function openFolder(folder: string, options: OpenComparandOptions): Promise<Comparand> {
  const described = join(folder, 'bundle.json');
  const description = (await isFile(described))
    ? parseBundleDescription(await readDocument(described), described)
    : undefined;
  const names = description?.parts.map(({ name }) => name) ?? ['images.tar.xz'];
  const parts = names.map((name) => join(folder, name));
  const isThere = await Promise.all(parts.map(isFile));
  if (!isThere.includes(false))
    return withDescription(await openArchiveFiles(parts, options, folder), description);
  for (const name of ['.bundlefs/recipe.json', 'recipe.json', 'bundle.json']) {
    if (await isFile(join(folder, name))) return openDocument(join(folder, name), options, folder);
  }
  if (await isFile(join(folder, 'index.json'))) {
    const label = `OCI layout "${folder}"`;
    const table = createFolderTable(folder, { label, ...(options.signal && { signal: options.signal }) });
    const { contents, findLayer } = await readTableContents(table, { ...options, label: folder });
    return { contents, findLayer, [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  throw new BundleError('archive-unsupported', `Cannot compare "${folder}": there is no bundle in it`, {
    hint: 'A folder with images.tar.xz, bundle.json or recipe.json was expected, or an OCI layout.',
  });
}

/** A recipe or a bundle's description, with or without the line that the cache puts before it. */
async function openDocument(path: string, options: OpenComparandOptions, label = path): Promise<Comparand> {
  const text = (await readDocument(path)).replace(/^sha256:[0-9a-f]{64}\n/, '');
  const description = parseBundleDescription(text, path);
  if (description !== undefined)
    return withDescription(withoutLayers(describeContents(description, label)), description);
  const recipe = recipeSchema.safeParse(findJson(text));
  if (recipe.success) return openRecipeContents(label, recipe.data, await options.openCache(), options);
  throw new BundleError(
    'archive-unsupported',
    `Cannot compare "${path}": it is neither a recipe nor a bundle.json`,
  );
}

async function readDocument(path: string): Promise<string> {
  const bytes = await readSmallFile(path, { acceptsPipes: true }).catch((error: unknown) => {
    throw new BundleError('source-failed', `Cannot read "${path}": ${describeError(error)}`, {
      cause: error,
    });
  });
  return bytes.toString('utf8');
}

function findJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** One archive, in one file or in several. */
async function openArchiveFiles(
  paths: readonly string[],
  options: OpenComparandOptions,
  label: string,
): Promise<Comparand> {
  const files: VirtualFile[] = [];
  try {
    for (const path of paths) files.push(await openDiskFile(path));
  } catch (error) {
    for (const file of files) await file.close();
    throw error;
  }
  const [first] = files;
  const file = first !== undefined && files.length === 1 ? first : joinFiles(files);
  return openXz(label, file, options, () => file.close());
}

async function openXz(
  label: string,
  file: VirtualFile,
  options: OpenComparandOptions,
  close: () => Promise<void>,
): Promise<Comparand> {
  try {
    return { ...(await readArchiveContents(file, { ...options, label })), [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}

function withDescription(comparand: Comparand, description: BundleDescription | undefined): Comparand {
  return description === undefined ? comparand : { ...comparand, description };
}

function withoutLayers(contents: BundleContents): Comparand {
  return {
    contents,
    findLayer: () => Promise.resolve(undefined),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (info) => info.isFile(),
    () => false,
  );
}
