/** Opens one side of a comparison: an archive, a folder with a bundle, a mount, an OCI layout, a recipe, or a build of the journal. */
import type { DiffId } from '../../ground/digest.ts';
import type { Cache } from '../../cache/cache.ts';
import type { Recipe } from '../../plan/layout/recipe.ts';
import { openRecipe } from '../../bundle/open-bundle.ts';
import { BundleError, isBundleError } from '../../ground/errors.ts';
import { openDiskFile } from '../../file/disk-file.ts';
import type { VirtualFile } from '../../file/virtual-file.ts';
import { createFolderTable } from '../../place/archive/folder-table.ts';
import { joinFiles } from '../../file/joined-file.ts';
import type { BundleDescription } from '../../bundle/description.ts';
import type { BundleContents } from '../contents/bundle-contents.ts';
import { findBundle, findRecipeDigest, type FoundRecipe, noSuchRecipe } from './find-bundle.ts';
import type { FindLayer } from '../../file/layer-bytes.ts';
import { readArchiveContents, readRecipeRecords } from '../contents/read-archive-contents.ts';
import { readTableContents } from '../contents/read-table-contents.ts';

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

/** Opens the bundle that `given` names: see findBundle. Throws invalid-argument, archive-*, xz-*, cache-*. */
export async function openComparand(given: string, options: OpenComparandOptions): Promise<Comparand> {
  const cannot = (name: string): string => `Cannot compare "${name}"`;
  const found = await findBundle(given, { openCache: options.openCache, cannot });
  switch (found?.kind) {
    case undefined:
      if (findRecipeDigest(given) !== undefined)
        throw noSuchRecipe(given, await options.openCache(), { cannot });
      throw new BundleError('archive-not-found', `${cannot(given)}: there is no such file or folder`, {
        hint: 'Name a bundle or another image archive, a folder or mount that holds one, @0 for the last build, or the digest of a recipe.',
      });
    case 'recipe':
      return openRecipeContents(titleOf(found), found.recipe, found.cache, options);
    case 'archive':
      return withDescription(await openArchiveFiles(found.paths, options, found.name), found.description);
    case 'description':
      return withDescription(
        withoutLayers(describeContents(found.description, found.name)),
        found.description,
      );
    case 'layout':
      return openLayout(found.folder, found.name, options);
    case 'folder':
      throw new BundleError('archive-unsupported', `${cannot(found.name)}: there is no bundle in it`, {
        hint: 'A folder with images.tar.xz or its parts, bundle.json or recipe.json was expected, or an OCI layout.',
      });
  }
}

function titleOf({ name, startedAt }: FoundRecipe): string {
  return startedAt === undefined ? name : `${name} (${startedAt.slice(0, 16).replace('T', ' ')})`;
}

async function openLayout(folder: string, name: string, options: OpenComparandOptions): Promise<Comparand> {
  const label = `OCI layout "${folder}"`;
  const table = createFolderTable(folder, { label, signal: options.signal });
  const { contents, findLayer } = await readTableContents(table, { ...options, label: name });
  return { contents, findLayer, [Symbol.asyncDispose]: () => Promise.resolve() };
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

/** What `description` says, as far as comparisons go. */
function describeContents(description: BundleDescription, label: string): BundleContents {
  const { archive, images, layers } = description;
  return {
    label,
    storedSize: archive.size,
    images: images.map(({ names, id, layers: diffIds }) => ({
      names,
      id: id as DiffId,
      layers: diffIds as DiffId[],
      history: [],
    })),
    layers: new Map(layers.map(({ diffId, size }) => [diffId as DiffId, { diffId: diffId as DiffId, size }])),
  };
}
