/** What a cache holds and who needs it: the facts from which `cache info` and `cache gc` draw their conclusions. */
import { join } from 'node:path';
import type { BlockKey } from '../../plan/layout/block-record.ts';
import { journalForm } from '../build-journal.ts';
import type { Cache } from '../cache.ts';
import { withCacheErrors } from '../cache-error.ts';
import { badForm, documentForm, fanOutForm, hexForm, profileForm } from '../cache-names.ts';
import { openLayerRecords } from '../layer-records.ts';
import type { LayerRecord } from '../../plan/layout/layer-record.ts';
import type { HeldLease } from '../leases.ts';
import { encoderName, type Profile, profileName } from '../../plan/layout/profile.ts';
import type { Recipe } from '../../plan/layout/recipe.ts';
import { type DiffId, type Digest, findDigestOfHex } from '../../ground/digest.ts';
import {
  type FoundFile,
  listOwnFiles,
  listOwnFolders,
  listOwnThings,
  type OnStranger,
  type Stranger,
} from '../../disk/own/list-own-files.ts';
import { isBundleError } from '../../ground/errors.ts';
import { mapWithLimit } from '../../ground/map-with-limit.ts';
import { listRecipeBlocks } from './list-recipe-blocks.ts';

const filesAtOnce = 16;

/** `<encoder>/<key>`: one block among those of all encoders, or one frame. */
export type BlockId = string;

export interface StoredBlock extends FoundFile {
  readonly id: BlockId;
  readonly encoder: string;
  readonly key: BlockKey;
}

export interface KeptLayer extends FoundFile {
  readonly profile: string;
  /** Of the blocks that it names. */
  readonly encoder: string;
  readonly diffId: DiffId;
  readonly record: LayerRecord;
  readonly blocks: ReadonlySet<BlockId>;
}

export interface KeptRecipe extends FoundFile {
  readonly digest: Digest;
  readonly recipe: Recipe;
  readonly encoder: string;
  readonly profile: string;
  /** When it was last built, mounted or read; now, where it is leased. */
  readonly useMs: number;
  readonly isLeased: boolean;
  /** What is known of its blocks; all of them where `isKnown`. */
  readonly blocks: ReadonlySet<BlockId>;
  /** Whether every record is there that says which blocks it needs. */
  readonly isKnown: boolean;
}

export interface CacheSurvey {
  readonly timeMs: number;
  readonly blocks: ReadonlyMap<BlockId, StoredBlock>;
  /** Blocks' content in another format; the encoder is like `zst9-1.5.4`. */
  readonly frames: ReadonlyMap<BlockId, StoredBlock>;
  readonly layers: readonly KeptLayer[];
  /** Newest use first. */
  readonly recipes: readonly KeptRecipe[];
  /** Image configs and the files that say which image id has which config. */
  readonly configs: readonly FoundFile[];
  readonly imageIds: readonly FoundFile[];
  /** Damaged files that were set aside. */
  readonly bad: readonly FoundFile[];
  /** The journal and the notes of uses and checks. */
  readonly notes: readonly FoundFile[];
  readonly leases: readonly HeldLease[];
  /** What lies in the cache and is none of its files: it is passed over. */
  readonly strangers: readonly Stranger[];
  /** Bytes of all of the above. */
  readonly size: number;
}

/** Looks at all of `cache`. What others add or remove meanwhile may or may not be seen. */
export async function surveyCache(cache: Cache, timeMs: number): Promise<CacheSurvey> {
  return withCacheErrors('read the cache', cache.root, async () => {
    const strangers: Stranger[] = [];
    const onStranger: OnStranger = (stranger) => strangers.push(stranger);
    const blocks = await surveyBlocks(join(cache.root, 'blocks'), onStranger);
    const frames = await surveyBlocks(join(cache.root, 'frames'), onStranger);
    const layers = await surveyLayers(cache, onStranger);
    const leases = await cache.listLeases();
    const recipes = await surveyRecipes(cache, layers, leases, { timeMs, onStranger });
    const list = (name: string, form: RegExp): Promise<FoundFile[]> =>
      listOwnFiles(join(cache.root, name), form, onStranger);
    const others = {
      configs: await list('configs', hexForm),
      imageIds: await list('images', documentForm),
      bad: await listOwnThings(join(cache.root, 'bad'), badForm),
    };
    const builds = await list('builds', journalForm);
    const notes = [...builds, ...(await list('uses', hexForm)), ...(await list('checks', documentForm))];
    await list('leases', /./);
    await list('partial', /./);
    await findStrangersInRoot(cache, onStranger);
    const { configs: configFiles, imageIds: imageIdFiles, bad: badFiles } = others;
    const stored = [blocks.values(), frames.values()];
    const files = [...stored, layers, recipes, configFiles, imageIdFiles, badFiles, notes];
    let size = 0;
    for (const group of files) for (const file of group) size += file.size;
    return { timeMs, blocks, frames, layers, recipes, ...others, notes, leases, strangers, size };
  });
}

const rootForm = /^(blocks|frames|layers|configs|images|recipes|builds|checks|uses|leases|partial|bad)$/;

/** The root has folders, and one file. */
async function findStrangersInRoot({ root }: Cache, onStranger: OnStranger): Promise<void> {
  const files = await listOwnFiles(root, /^collection\.json$/, () => undefined);
  await listOwnFolders(root, rootForm, (stranger) => {
    if (files.every(({ path }) => path !== stranger.path)) onStranger(stranger);
  });
}

async function surveyBlocks(folder: string, onStranger: OnStranger): Promise<Map<BlockId, StoredBlock>> {
  const found = new Map<BlockId, StoredBlock>();
  for (const encoder of await listOwnFolders(folder, profileForm, onStranger)) {
    for (const part of await listOwnFolders(join(folder, encoder), fanOutForm, onStranger)) {
      for (const file of await listOwnFiles(join(folder, encoder, part), hexForm, onStranger)) {
        const id = `${encoder}/${file.name}`;
        found.set(id, { ...file, id, encoder, key: file.name as BlockKey });
      }
    }
  }
  return found;
}

async function surveyLayers(cache: Cache, onStranger: OnStranger): Promise<KeptLayer[]> {
  const layers: KeptLayer[] = [];
  for (const profile of await listOwnFolders(join(cache.root, 'layers'), profileForm, onStranger)) {
    const folder = join(cache.root, 'layers', profile);
    const records = openLayerRecords(folder, { partials: cache.partials });
    const found = await mapWithLimit(
      await listOwnFiles(folder, documentForm, onStranger),
      filesAtOnce,
      async (file) => {
        const diffId = findDigestOfHex(file.name.replace(/\.json$/, '')) as DiffId | undefined;
        const record = diffId && (await records.readLayer(diffId));
        return record && describeLayer(file, profile, record);
      },
    );
    for (const layer of found) if (layer !== undefined) layers.push(layer);
  }
  return layers;
}

function describeLayer(file: FoundFile, profile: string, record: LayerRecord): KeptLayer {
  const encoder = encoderOfProfile(profile);
  const blocks = new Set(record.blocks.map(({ key }) => `${encoder}/${key}`));
  return { ...file, profile, encoder, diffId: record.diffId, record, blocks };
}

/** A profile's name is `<encoder>-<cutter>`, and an encoder's has exactly two hyphens. */
function encoderOfProfile(profile: string): string {
  return profile.split('-').slice(0, 3).join('-');
}

async function surveyRecipes(
  cache: Cache,
  layers: readonly KeptLayer[],
  leases: readonly HeldLease[],
  { timeMs, onStranger }: { readonly timeMs: number; readonly onStranger: OnStranger },
): Promise<KeptRecipe[]> {
  const leased = new Set(leases.flatMap((lease) => (lease.kind === 'recipe' ? [lease.recipe] : [])));
  const layerOf = new Map(layers.map((layer) => [`${layer.profile}/${layer.diffId}`, layer]));
  const files = await listOwnFiles(join(cache.root, 'recipes'), documentForm, onStranger);
  const found = await mapWithLimit(files, filesAtOnce, async (file): Promise<KeptRecipe | undefined> => {
    const digest = findDigestOfHex(file.name.replace(/\.json$/, ''));
    const recipe = digest && (await cache.findRecipe(digest));
    if (digest === undefined || recipe === undefined) return undefined;
    const isLeased = leased.has(digest);
    const useMs = isLeased ? timeMs : Math.max(file.mtimeMs, (await cache.findUseMs(digest)) ?? 0);
    const needed = await findNeededBlocks(cache, recipe, layerOf);
    const names = { encoder: encoderName(recipe.profile), profile: profileName(recipe.profile) };
    return { ...file, digest, recipe, ...names, useMs, isLeased, ...needed };
  });
  return found
    .filter((recipe) => recipe !== undefined)
    .sort((a, b) => b.useMs - a.useMs || (a.digest < b.digest ? -1 : 1));
}

/** With glue where all records are there; otherwise at least the blocks of those layers that are known. */
async function findNeededBlocks(
  cache: Cache,
  recipe: Recipe,
  layerOf: ReadonlyMap<string, KeptLayer>,
): Promise<Pick<KeptRecipe, 'blocks' | 'isKnown'>> {
  const { profile } = recipe;
  const encoder = encoderName(profile);
  const toId = (key: BlockKey): BlockId => `${encoder}/${key}`;
  try {
    const keys = await listRecipeBlocks(cache, recipe, (id) => findLayer(profile, id, layerOf)?.record);
    return { blocks: new Set(keys.map(toId)), isKnown: true };
  } catch (error) {
    if (!isBundleError(error)) throw error;
  }
  const known = recipe.images.flatMap((image) => image.layers.map((id) => findLayer(profile, id, layerOf)));
  return { blocks: new Set(known.flatMap((layer) => [...(layer?.blocks ?? [])])), isKnown: false };
}

function findLayer(
  profile: Profile,
  diffId: DiffId,
  layerOf: ReadonlyMap<string, KeptLayer>,
): KeptLayer | undefined {
  return layerOf.get(`${profileName(profile)}/${diffId}`);
}
