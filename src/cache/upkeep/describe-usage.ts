/** What a cache is used for: which bundles share how much, what the layers take, how much of each build was there already. */
import { groupBy } from '../../ground/group-by.ts';
import type { BuildEntry } from '../build-journal.ts';
import type { FoundFile } from '../../disk/own/list-own-files.ts';
import type { DiffId } from '../../ground/digest.ts';
import type { BlockId, CacheSurvey, KeptRecipe } from './survey-cache.ts';

export interface FolderMeasure {
  readonly name: string;
  readonly fileCount: number;
  /** Bytes of the files' content. */
  readonly size: number;
}

/** What a cache holds, by kind. */
export interface CacheFolders {
  /** Per encoder: `xz6-crc64-5.4.1`. */
  readonly blocks: readonly FolderMeasure[];
  /** Per encoder: `zst9-1.5.4`. */
  readonly frames: readonly FolderMeasure[];
  /** Per profile. */
  readonly layers: readonly FolderMeasure[];
  readonly configs: FolderMeasure;
  readonly recipes: FolderMeasure;
  /** Which config belongs to which image id of an engine. */
  readonly images: FolderMeasure;
  /** Damaged blocks that were set aside. */
  readonly bad: FolderMeasure;
  /** The journal of builds, and when recipes were used. */
  readonly notes: FolderMeasure;
}

export interface BundleUsage {
  readonly recipe: KeptRecipe;
  /** Bytes of its blocks that are stored, and of those that no other bundle needs. */
  readonly size: number;
  readonly ownSize: number;
  readonly missingBlockCount: number;
}

/** Bytes of blocks by how many bundles need them. */
export interface SharingMeasure {
  readonly sharedSize: number;
  readonly singleSize: number;
  /** Needed by no bundle. */
  readonly unneededSize: number;
}

export interface LayerUsage {
  readonly diffId: DiffId;
  readonly profile: string;
  readonly uncompressedSize: number;
  /** Bytes of its blocks that are stored. */
  readonly size: number;
  /** The first tags of images that have it, of the bundle used last among those. */
  readonly images: readonly string[];
}

/** How much of what was wanted in builds was there already. Sizes are stored bytes. */
export interface ReuseMeasure {
  /** A day, `2026-01-31`, in UTC. */
  readonly day: string;
  readonly buildCount: number;
  readonly reusedSize: number;
  readonly encodedSize: number;
}

export function measureFolders(survey: CacheSurvey): CacheFolders {
  return {
    blocks: measureBy([...survey.blocks.values()], ({ encoder }) => encoder),
    frames: measureBy([...survey.frames.values()], ({ encoder }) => encoder),
    layers: measureBy(survey.layers, ({ profile }) => profile),
    configs: measureFiles('configs', survey.configs),
    recipes: measureFiles('recipes', survey.recipes),
    images: measureFiles('images', survey.imageIds),
    bad: measureFiles('bad', survey.bad),
    notes: measureFiles('notes', survey.notes),
  };
}

/** Every bundle, newest use first. */
export function listBundleUsage({ recipes, blocks }: CacheSurvey): BundleUsage[] {
  const users = countUsers(recipes);
  return recipes.map((recipe) => {
    let size = 0;
    let ownSize = 0;
    let missingBlockCount = 0;
    for (const id of recipe.blocks) {
      const stored = blocks.get(id);
      if (stored === undefined) missingBlockCount += 1;
      size += stored?.size ?? 0;
      if (users.get(id) === 1) ownSize += stored?.size ?? 0;
    }
    return { recipe, size, ownSize, missingBlockCount };
  });
}

export function measureSharing({ recipes, blocks }: CacheSurvey): SharingMeasure {
  const users = countUsers(recipes);
  const sizes = { sharedSize: 0, singleSize: 0, unneededSize: 0 };
  for (const { id, size } of blocks.values()) {
    const count = users.get(id) ?? 0;
    if (count > 1) sizes.sharedSize += size;
    else if (count === 1) sizes.singleSize += size;
    else sizes.unneededSize += size;
  }
  return sizes;
}

/** The `count` layers that take the most, largest first. */
export function listLargestLayers({ layers, recipes, blocks }: CacheSurvey, count: number): LayerUsage[] {
  const usages = layers.map(({ diffId, profile, record, blocks: ids }): LayerUsage => {
    let size = 0;
    for (const id of ids) size += blocks.get(id)?.size ?? 0;
    return { diffId, profile, uncompressedSize: record.size, size, images: [] };
  });
  const largest = usages.sort((a, b) => b.size - a.size || (a.diffId < b.diffId ? -1 : 1)).slice(0, count);
  return largest.map((usage) => ({ ...usage, images: findImages(usage.diffId, recipes) }));
}

/** The days on which something was built, newest first. Builds that failed do not count. */
export function measureReuse(builds: readonly BuildEntry[]): ReuseMeasure[] {
  const days = new Map<string, ReuseMeasure>();
  for (const { startedAt, statistics } of builds) {
    if (statistics === undefined) continue;
    const day = startedAt.slice(0, 10);
    const { buildCount, reusedSize, encodedSize } = days.get(day) ?? {
      buildCount: 0,
      reusedSize: 0,
      encodedSize: 0,
    };
    days.set(day, {
      day,
      buildCount: buildCount + 1,
      reusedSize: reusedSize + statistics.reusedSize,
      encodedSize: encodedSize + statistics.encodedSize,
    });
  }
  return [...days.values()].sort((a, b) => (a.day < b.day ? 1 : -1));
}

function findImages(diffId: DiffId, recipes: readonly KeptRecipe[]): string[] {
  for (const { recipe } of recipes) {
    const images = recipe.images.filter(({ layers }) => layers.includes(diffId));
    if (images.length > 0) return images.flatMap(({ tags }) => tags.slice(0, 1));
  }
  return [];
}

function countUsers(recipes: readonly KeptRecipe[]): Map<BlockId, number> {
  const users = new Map<BlockId, number>();
  for (const { blocks } of recipes) for (const id of blocks) users.set(id, (users.get(id) ?? 0) + 1);
  return users;
}

function measureBy<T extends FoundFile>(files: readonly T[], nameOf: (file: T) => string): FolderMeasure[] {
  return [...groupBy(files, nameOf)].map(([name, group]) => measureFiles(name, group));
}

function measureFiles(name: string, files: readonly FoundFile[]): FolderMeasure {
  return { name, fileCount: files.length, size: files.reduce((sum, { size }) => sum + size, 0) };
}
