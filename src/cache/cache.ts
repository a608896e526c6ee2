/** The cache directory: blocks, layer records, image configs and recipes, for several processes at once (docs/format.md, "The cache"). */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Digest, digestOf, hexOf } from '../ground/digest.ts';
import { canonicalPath } from '../disk/canonical-path.ts';
import { makeNamedFolder, makeOwnFolder } from '../disk/make-folder.ts';
import { openOwnFolder } from '../disk/own/open-folder.ts';
import { findOwnFile, readOwnFile } from '../disk/own/own-files.ts';
import { sweepPartials, writeOwnFile } from '../disk/write-durably.ts';
import { BundleError, findErrno } from '../ground/errors.ts';
import { frameForm } from '../plan/layout/block-record.ts';
import { type BlockStore, openBlockStore, setAside } from './block-store.ts';
import { type BuildJournal, openBuildJournal } from './build-journal.ts';
import { withCacheErrors } from './cache-error.ts';
import { type CacheContents, compactLedger } from './compact-ledger.ts';
import { decodeStoredBlock, decodeStoredFrame } from './decode-stored.ts';
import { type Ledger, openLedger } from './ledger.ts';
import { findCheckedJson, writeCheckedJson } from './checked-json.ts';
import { type Leases, openLeases, removeStaleLeases } from './leases.ts';
import { type LayerRecords, openLayerRecords } from './layer-records.ts';
import { type EncoderSettings, encoderName, type Profile, profileName } from '../plan/layout/profile.ts';
import { type Recipe, recipeDigest, recipeSchema } from '../plan/layout/recipe.ts';

/** The version of everything below this folder; another version never looks in here. */
const formatFolder = 'v1';

export interface Cache extends BuildJournal, Leases, Pick<Ledger, 'save'> {
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
  /** The digest of the config that belongs to an engine's image id, where this user's own process found that. */
  findImageConfig(imageId: Digest): Promise<Digest | undefined>;
  putImageConfig(imageId: Digest, config: Digest): Promise<void>;
  /** What is said of its bundle is left out where another user or machine wrote it. */
  findRecipe(digest: Digest): Promise<Recipe | undefined>;
  /** What is said of the recipe's bundle, whoever wrote it. */
  findClaim(digest: Digest): Promise<Recipe['bundle']>;
  putRecipe(recipe: Recipe): Promise<Digest>;
  /** What this user last kept as the check of a recipe's blocks; see kept-checks. */
  findCheck(recipe: Digest): Promise<string | undefined>;
  putCheck(recipe: Digest, check: string): Promise<void>;
  /** Forgets what is known of blocks, layers and recipes that are not in the cache any more. */
  compactKnown(isThere: CacheContents): Promise<void>;
  /** Layers that this process had to check, for another user or machine wrote them, and their bytes. */
  readonly foreign: { readonly count: number; readonly size: number };
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
  };
  const ledger = openLedger(root, process.env);
  const foreign = { count: 0, size: 0 };
  const aside = (file: string): Promise<void> => setAside(file, join(root, 'bad'));
  const openBlocks = async (settings: EncoderSettings): Promise<BlockStore> => {
    const encoder = encoderName(settings);
    return openBlockStore(
      { blocks: await openFolder('blocks', encoder), partials },
      {
        facts: await ledger.open(`blocks-${encoder}`),
        decode: (stored, record) => decodeStoredBlock(stored, record, settings),
        setAside: aside,
      },
    );
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
  const readRecipe = async (digest: Digest): Promise<Recipe | undefined> => {
    const found = recipeSchema.safeParse(await findCheckedJson(recipePath(digest)));
    return found.success && recipeDigest(found.data) === digest ? found.data : undefined;
  };
  const configPath = (digest: Digest): string => join(folders.configs, hexOf(digest));
  const imagePath = (imageId: Digest): string => join(folders.images, `${hexOf(imageId)}.json`);
  const recipePath = (digest: Digest): string => join(folders.recipes, `${hexOf(digest)}.json`);
  return {
    ...openLeases(root),
    ...openBuildJournal(join(root, 'builds'), partials),
    path,
    root,
    partials,
    foreign,
    openBlocks,
    async openFrames(encoder) {
      return openBlockStore(
        { blocks: await openFolder('frames', encoder), partials },
        {
          form: frameForm,
          facts: await ledger.open(`frames-${encoder}`),
          decode: decodeStoredFrame,
          setAside: aside,
        },
      );
    },
    async openLayers(profile) {
      return openLayerRecords(await openFolder('layers', profileName(profile)), {
        partials,
        facts: await ledger.open(`layers-${profileName(profile)}`),
        store: await openBlocks(profile),
        setAside: aside,
        onForeign(size) {
          foreign.count += 1;
          foreign.size += size;
        },
      });
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
      const isKnown = (await ledger.open('images')).find(hexOf(imageId)) === found;
      return typeof found === 'string' && isKnown ? (found as Digest) : undefined;
    },
    async putImageConfig(imageId, config) {
      await writeCheckedJson(imagePath(imageId), config, partials);
      (await ledger.open('images')).note(hexOf(imageId), config);
    },
    async findRecipe(digest) {
      const recipe = await readRecipe(digest);
      if (recipe?.bundle === undefined) return recipe;
      const isKnown = (await ledger.open('recipes')).find(hexOf(digest)) === describe(recipe.bundle);
      return isKnown ? recipe : { ...recipe, bundle: undefined };
    },
    findClaim: async (digest) => (await readRecipe(digest))?.bundle,
    async putRecipe(recipe) {
      const digest = recipeDigest(recipe);
      await writeCheckedJson(recipePath(digest), recipe, partials);
      if (recipe.bundle !== undefined) {
        (await ledger.open('recipes')).note(hexOf(digest), describe(recipe.bundle));
        await ledger.save();
      }
      return digest;
    },
    findCheck: async (recipe) => (await ledger.open('checks')).find(hexOf(recipe)),
    async putCheck(recipe, check) {
      (await ledger.open('checks')).note(hexOf(recipe), check);
    },
    compactKnown: (isThere) => compactLedger(ledger, isThere),
    save: () => ledger.save(),
    recipeTimeMs: (digest) =>
      withCacheErrors('read', recipePath(digest), async () => {
        const mtimeMs = (await findOwnFile(recipePath(digest)))?.mtimeMs ?? Date.now(); // it went just now
        return Math.floor(mtimeMs / 1000) * 1000;
      }),
    setAside: aside,
  };
}

/** A name for what is said of a bundle. */
function describe({ size, sha256, finishedMs, parts }: NonNullable<Recipe['bundle']>): string {
  return hexOf(digestOf(Buffer.from(JSON.stringify([size, sha256, finishedMs, parts]))));
}

async function findConfig(path: string, digest: Digest): Promise<Uint8Array | undefined> {
  const bytes = await withCacheErrors('read', path, () => readOwnFile(path));
  return bytes !== undefined && digestOf(bytes) === digest ? bytes : undefined;
}
