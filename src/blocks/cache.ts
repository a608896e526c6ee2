/** The cache directory: blocks, layer records, image configs and recipes, for several processes at once (docs/format.md, "The cache"). */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Digest, digestOf, hexOf } from '../digest.ts';
import { canonicalPath } from '../disk/canonical-path.ts';
import { makeNamedFolder, makeOwnFolder } from '../disk/make-folder.ts';
import { openOwnFolder } from '../disk/open-folder.ts';
import { findOwnFile, readOwnFile, removeOwnFile } from '../disk/own-files.ts';
import { sweepPartials, writeOwnFile } from '../disk/write-durably.ts';
import { BundleError, findErrno } from '../errors.ts';
import { frameForm } from './block-record.ts';
import { type BlockStore, openBlockStore, setAside } from './block-store.ts';
import { type BuildJournal, openBuildJournal } from './build-journal.ts';
import { withCacheErrors } from './cache-error.ts';
import { findCheckedJson, writeCheckedJson } from './checked-json.ts';
import { type Leases, openLeases, removeStaleLeases } from './leases.ts';
import { type LayerRecords, openLayerRecords } from './layer-records.ts';
import { type EncoderSettings, encoderName, type Profile, profileName } from './profile.ts';
import { type Recipe, recipeDigest, recipeSchema } from './recipe.ts';

/** The version of everything below this folder; another version never looks in here. */
const formatFolder = 'v1';

export interface Cache extends BuildJournal, Leases {
  /** The folder the user named, or the default. */
  readonly path: string;
  /** The folder of this format version within it, without links in its path. */
  readonly root: string;
  /** The folder in it for what is not whole yet: partial files of dead processes are removed from there. */
  readonly partials: string;
  openBlocks(settings: EncoderSettings): Promise<BlockStore>;
  /** The frames of `encoder`, a name fit for a folder, by the keys of the blocks whose content they have. */
  openFrames(encoder: string): Promise<BlockStore>;
  openLayers(profile: Profile): Promise<LayerRecords>;
  /** Config bytes by their own digest. */
  findConfig(digest: Digest): Promise<Uint8Array | undefined>;
  putConfig(config: Uint8Array): Promise<Digest>;
  /** The digest of the config that belongs to an engine's image id. */
  findImageConfig(imageId: Digest): Promise<Digest | undefined>;
  putImageConfig(imageId: Digest, config: Digest): Promise<void>;
  findRecipe(digest: Digest): Promise<Recipe | undefined>;
  putRecipe(recipe: Recipe): Promise<Digest>;
  /** What was last kept as the check of a recipe's blocks; see kept-checks. */
  findCheck(recipe: Digest): Promise<unknown>;
  putCheck(recipe: Digest, check: unknown): Promise<void>;
  forgetCheck(recipe: Digest): Promise<void>;
  /** When a kept recipe was finished: Unix time in milliseconds, whole seconds. The same for every mount of it. */
  recipeTimeMs(digest: Digest): Promise<number>;
  /** Moves a damaged block file out of the way. */
  setAside(path: string): Promise<void>;
}

/** `path`, else BUNDLEFS_CACHE, else `bundlefs` in the XDG cache home (basedir-spec, $XDG_CACHE_HOME). */
export function cachePath(path: string | undefined, environment: NodeJS.ProcessEnv): string {
  const chosen = path ?? environment['BUNDLEFS_CACHE'];
  if (chosen !== undefined && chosen !== '') return resolve(chosen);
  const home = environment['XDG_CACHE_HOME'];
  const isUsable = home?.startsWith('/') === true;
  return join(isUsable ? home : join(findHome(), '.cache'), 'bundlefs');
}

/** The folder of this format version in the cache at `path`, whose links are followed: the user named it. */
export function cacheRoot(path: string): string {
  return join(canonicalPath(path), formatFolder);
}

/** A container may run as a user that nobody has told it of. */
function findHome(): string {
  try {
    return homedir();
  } catch (error) {
    throw new BundleError('cache-failed', 'Cannot choose a cache: this user has no home folder', {
      cause: error,
      hint: 'Name a folder with --cache or BUNDLEFS_CACHE.',
    });
  }
}

/** Opens the cache at `path` where there is one. Throws cache-failed where there is none, so that a slip of the pen makes none. */
export async function findCache(path: string): Promise<Cache> {
  await withCacheErrors('open the cache', path, async () => {
    try {
      openOwnFolder(cacheRoot(path))[Symbol.dispose]();
    } catch (error) {
      if (findErrno(error) !== 'ENOENT') throw error;
      throw new BundleError('cache-failed', `Cannot open the cache "${path}": there is none`, {
        hint: 'Build a bundle first, or name its folder with --cache or BUNDLEFS_CACHE.',
      });
    }
    return Promise.resolve();
  });
  return openCache(path);
}

/** Opens the cache at `path`, makes what is missing, and removes what dead processes left half-written. Throws cache-*. */
export async function openCache(path: string): Promise<Cache> {
  const root = await withCacheErrors('open the cache', path, async () => {
    await makeNamedFolder(path);
    return cacheRoot(path);
  });
  const partials = join(root, 'partial');
  const folders = {
    configs: join(root, 'configs'),
    images: join(root, 'images'),
    recipes: join(root, 'recipes'),
    checks: join(root, 'checks'),
  };
  await withCacheErrors('open the cache', path, async () => {
    for (const folder of [partials, ...Object.values(folders)]) await makeOwnFolder(folder);
    await sweepPartials(partials);
    await removeStaleLeases(root);
  });
  const openFolder = async (...names: string[]): Promise<string> => {
    const folder = join(root, ...names);
    await withCacheErrors('make', folder, () => makeOwnFolder(folder));
    return folder;
  };
  const configPath = (digest: Digest): string => join(folders.configs, hexOf(digest));
  const imagePath = (imageId: Digest): string => join(folders.images, `${hexOf(imageId)}.json`);
  const checkPath = (recipe: Digest): string => join(folders.checks, `${hexOf(recipe)}.json`);
  const recipePath = (digest: Digest): string => join(folders.recipes, `${hexOf(digest)}.json`);
  return {
    ...openLeases(root),
    ...openBuildJournal(join(root, 'builds'), partials),
    path,
    root,
    partials,
    async openBlocks(settings) {
      return openBlockStore({ blocks: await openFolder('blocks', encoderName(settings)), partials });
    },
    async openFrames(encoder) {
      return openBlockStore({ blocks: await openFolder('frames', encoder), partials }, frameForm);
    },
    async openLayers(profile) {
      return openLayerRecords(await openFolder('layers', profileName(profile)), partials);
    },
    findConfig: (digest) => findConfig(configPath(digest), digest),
    async putConfig(config) {
      const digest = digestOf(config);
      const file = configPath(digest);
      if ((await findConfig(file, digest)) === undefined) {
        await withCacheErrors('write', file, () => writeOwnFile(file, config, partials));
      }
      return digest;
    },
    async findImageConfig(imageId) {
      const found = await findCheckedJson(imagePath(imageId));
      return typeof found === 'string' ? (found as Digest) : undefined;
    },
    putImageConfig: (imageId, config) => writeCheckedJson(imagePath(imageId), config, partials),
    async findRecipe(digest) {
      const found = recipeSchema.safeParse(await findCheckedJson(recipePath(digest)));
      return found.success && recipeDigest(found.data) === digest ? found.data : undefined;
    },
    async putRecipe(recipe) {
      const digest = recipeDigest(recipe);
      await writeCheckedJson(recipePath(digest), recipe, partials);
      return digest;
    },
    findCheck: (recipe) => findCheckedJson(checkPath(recipe)),
    putCheck: (recipe, check) => writeCheckedJson(checkPath(recipe), check, partials),
    forgetCheck: (recipe) =>
      withCacheErrors('remove', checkPath(recipe), () => removeOwnFile(checkPath(recipe))),
    recipeTimeMs: (digest) =>
      withCacheErrors('read', recipePath(digest), async () => {
        const mtimeMs = (await findOwnFile(recipePath(digest)))?.mtimeMs ?? Date.now(); // it went just now
        return Math.floor(mtimeMs / 1000) * 1000;
      }),
    setAside: (file) => setAside(file, join(root, 'bad')),
  };
}

async function findConfig(path: string, digest: Digest): Promise<Uint8Array | undefined> {
  const bytes = await withCacheErrors('read', path, () => readOwnFile(path));
  return bytes !== undefined && digestOf(bytes) === digest ? bytes : undefined;
}
