/** Decides what a collection removes from a cache, and why; pure, so that a dry run and a real one cannot differ (docs/cache.md). */
import { groupBy } from '../../ground/group-by.ts';
import { appendAll } from '../../ground/long-lists.ts';
import type { BlockKey } from '../../plan/layout/block-record.ts';
import type { FoundFile } from '../../disk/own/list-own-files.ts';
import { type KeepReason, type KeptImages, protectBlocks } from './protect-blocks.ts';
import type { BlockId, CacheSurvey, KeptRecipe, StoredBlock } from './survey-cache.ts';

export interface CollectLimits {
  /** Bytes that the whole cache may have. */
  readonly maxSize?: number;
  /** So many bundles, by their last use, are kept whatever the other limits say; 1 where left out. */
  readonly keepLast?: number;
  /** Bytes that nobody used for longer go. */
  readonly olderThanMs?: number;
}

export type RemovalReason =
  /** Not used for longer than the limit. */
  | 'old'
  /** Of the bytes used longest ago, to come down to the wanted size. */
  | 'over-size'
  /** Not needed by the bundles that were to be kept, and no other limit was given. */
  | 'not-kept'
  /** Nothing refers to it: what an interrupted build left. */
  | 'unneeded'
  /** Damaged, and set aside long ago. */
  | 'damaged'
  /** A record that nobody used for a year. */
  | 'old-record';

export interface Removal {
  readonly kind: 'block' | 'frame' | 'layer' | 'recipe' | 'config' | 'image-id' | 'damaged';
  readonly file: FoundFile;
  readonly reason: RemovalReason;
}

export interface CollectionPlan {
  readonly removals: readonly Removal[];
  /** Of blocks that no limit may touch: why. */
  readonly protectedBlocks: ReadonlyMap<BlockId, KeepReason>;
  readonly sizeBefore: number;
  readonly sizeAfter: number;
  /** Whether maxSize is met. */
  readonly isWithinSize: boolean;
}

const dayMs = 24 * 60 * 60 * 1000;
/** For that long an interrupted build's blocks wait for the next one. */
const unneededGraceMs = dayMs;
/** For that long whoever wants to know may look at damaged files. */
const damagedGraceMs = 7 * dayMs;
/** "For ever" of records whose bytes nobody wants any more; see docs/cache.md. */
const recordLifeMs = 365 * dayMs;

/**
 * What a collection of the surveyed cache with `limits` removes, in the order in which it is removed. Nothing that the
 * images `kept` need is, whatever the limits say.
 */
export function planCollection(
  survey: CacheSurvey,
  limits: CollectLimits,
  kept: readonly KeptImages[] = [],
): CollectionPlan {
  const protectedBlocks = protectBlocks(survey, limits.keepLast ?? 1, kept);
  const uses = findUses(survey);
  const removals: Removal[] = [];
  const isHeld = isAllHeld(survey);
  if (!isHeld) {
    const free = [...survey.blocks.values()].filter(({ id }) => !protectedBlocks.has(id));
    for (const block of free) {
      const reason = findReason(block, uses, survey.timeMs, limits);
      if (reason !== undefined) removals.push({ kind: 'block', file: block, reason });
    }
    const frames = planFrames(survey, removals);
    appendAll(removals, frames);
    appendAll(removals, planDamaged(survey));
    appendAll(removals, planRecords(survey, limits.keepLast ?? 1, kept));
    appendAll(removals, planForSize(survey, free, uses, removals, limits.maxSize));
  }
  const sizeAfter = survey.size - sumSizes(removals);
  return {
    removals,
    protectedBlocks,
    sizeBefore: survey.size,
    sizeAfter,
    isWithinSize: limits.maxSize === undefined || sizeAfter <= limits.maxSize,
  };
}

/** A lease that says nothing we know, or of a recipe that cannot be read: anything may be in use. */
export function isAllHeld({ leases, recipes }: CacheSurvey): boolean {
  const known = new Set(recipes.map(({ digest }) => digest));
  return leases.some(
    (lease) => lease.kind === 'unknown' || (lease.kind === 'recipe' && !known.has(lease.recipe)),
  );
}

interface BlockUses {
  /** When the block was last used, in Unix milliseconds. */
  readonly useMs: ReadonlyMap<BlockId, number>;
  /** Blocks that a recipe or a layer record names. */
  readonly needed: ReadonlySet<BlockId>;
}

/** A block was used when a bundle with it was; one that no bundle has, when its layer's record or it was written. */
function findUses(survey: CacheSurvey): BlockUses {
  const useMs = new Map<BlockId, number>();
  const needed = new Set<BlockId>();
  const note = (id: BlockId, timeMs: number): void => {
    needed.add(id);
    useMs.set(id, Math.max(timeMs, useMs.get(id) ?? 0));
  };
  for (const recipe of survey.recipes) for (const id of recipe.blocks) note(id, recipe.useMs);
  for (const layer of survey.layers) for (const id of layer.blocks) note(id, layer.mtimeMs);
  for (const { id, mtimeMs } of survey.blocks.values()) {
    useMs.set(id, Math.max(mtimeMs, useMs.get(id) ?? 0));
  }
  return { useMs, needed };
}

function findReason(
  { id }: StoredBlock,
  { useMs, needed }: BlockUses,
  timeMs: number,
  { maxSize, keepLast, olderThanMs }: CollectLimits,
): RemovalReason | undefined {
  const ageMs = timeMs - (useMs.get(id) ?? 0);
  if (olderThanMs !== undefined && ageMs > olderThanMs) return 'old';
  if (maxSize === undefined && olderThanMs === undefined && keepLast !== undefined) return 'not-kept';
  return !needed.has(id) && ageMs > unneededGraceMs ? 'unneeded' : undefined;
}

/**
 * A frame lives as long as a block of the same content: with the last of those it goes, for the same reason. While a
 * build runs all stay, for it may be about to want them.
 */
function planFrames(survey: CacheSurvey, removals: readonly Removal[]): Removal[] {
  if (survey.frames.size === 0 || isAnyEncoderHeld(survey)) return [];
  const reasons = new Map(removals.map(({ file, reason }) => [file.path, reason]));
  const staying = new Set<BlockKey>();
  const going = new Map<BlockKey, RemovalReason>();
  for (const { key, path } of survey.blocks.values()) {
    const reason = reasons.get(path);
    if (reason === undefined) staying.add(key);
    else going.set(key, reason);
  }
  const leased = new Set(
    survey.recipes.filter(({ isLeased }) => isLeased).flatMap(({ blocks }) => [...blocks].map(keyOf)),
  );
  return [...survey.frames.values()]
    .filter(({ key }) => !staying.has(key) && !leased.has(key))
    .map((file): Removal => ({ kind: 'frame', file, reason: going.get(file.key) ?? 'unneeded' }));
}

/** Whether a build runs, or a bundle is in use of which is not known what it needs. */
function isAnyEncoderHeld({ leases, recipes }: CacheSurvey): boolean {
  return leases.some(({ kind }) => kind === 'build') || recipes.some((one) => one.isLeased && !one.isKnown);
}

function keyOf(id: BlockId): BlockKey {
  return id.slice(id.indexOf('/') + 1) as BlockKey;
}

function planDamaged({ bad, timeMs }: CacheSurvey): Removal[] {
  return bad
    .filter(({ mtimeMs }) => timeMs - mtimeMs > damagedGraceMs)
    .map((file) => ({ kind: 'damaged', file, reason: 'damaged' }));
}

/** A build may find any record, so that while one runs all of them stay. */
function planRecords(survey: CacheSurvey, keepLast: number, kept: readonly KeptImages[]): Removal[] {
  if (survey.leases.some(({ kind }) => kind === 'build')) return [];
  const isOld = (timeMs: number): boolean => survey.timeMs - timeMs > recordLifeMs;
  const isGone = (recipe: KeptRecipe, index: number): boolean =>
    index >= keepLast && !recipe.isLeased && isOld(recipe.useMs);
  const gone = survey.recipes.filter(isGone);
  const stays = survey.recipes.filter((recipe, index) => !isGone(recipe, index));
  const layers = new Set(
    stays.flatMap(({ profile, recipe }) =>
      recipe.images.flatMap((image) => image.layers.map((id) => `${profile}/${id}`)),
    ),
  );
  const images = kept.flatMap((recipe) => recipe.images);
  const keptLayers = new Set(images.flatMap((image) => image.layers));
  const configs = new Set<string>([
    ...stays.flatMap(({ recipe }) => recipe.images.map(({ config }) => config)),
    ...images.map(({ configDigest }) => configDigest),
  ]);
  const reason = 'old-record';
  return [
    ...gone.map((file): Removal => ({ kind: 'recipe', file, reason })),
    ...survey.layers
      .filter(({ profile, diffId }) => !layers.has(`${profile}/${diffId}`) && !keptLayers.has(diffId))
      .filter((layer) => isOld(layer.mtimeMs))
      .map((file): Removal => ({ kind: 'layer', file, reason })),
    ...survey.configs
      .filter((file) => !configs.has(`sha256:${file.name}`) && isOld(file.mtimeMs))
      .map((file): Removal => ({ kind: 'config', file, reason })),
    ...survey.imageIds
      .filter((file) => isOld(file.mtimeMs))
      .map((file): Removal => ({ kind: 'image-id', file, reason })),
  ];
}

/** Damaged files first, then the blocks that were used longest ago, each with its frames: both were used by the same bundles. */
function planForSize(
  survey: CacheSurvey,
  free: readonly StoredBlock[],
  { useMs }: BlockUses,
  planned: readonly Removal[],
  maxSize: number | undefined,
): Removal[] {
  if (maxSize === undefined) return [];
  const isPlanned = new Set(planned.map(({ file }) => file.path));
  const byUse = [...free].sort(
    (a, b) => (useMs.get(a.id) ?? 0) - (useMs.get(b.id) ?? 0) || (a.id < b.id ? -1 : 1),
  );
  const framesOf = groupFreeFrames(survey, free);
  const takeFrames = (key: BlockKey): readonly StoredBlock[] => {
    const found = framesOf.get(key) ?? [];
    framesOf.delete(key); // once, where several encoders have a block of this content
    return found;
  };
  const candidates: Omit<Removal, 'reason'>[] = [
    ...survey.bad.map((file) => ({ kind: 'damaged' as const, file })),
    ...byUse.flatMap((file) => [
      ...takeFrames(file.key).map((frame) => ({ kind: 'frame' as const, file: frame })),
      { kind: 'block' as const, file },
    ]),
  ];
  let excess = survey.size - sumSizes(planned) - maxSize;
  const removals: Removal[] = [];
  for (const candidate of candidates) {
    if (excess <= 0) break;
    if (isPlanned.has(candidate.file.path)) continue;
    removals.push({ ...candidate, reason: 'over-size' });
    excess -= candidate.file.size;
  }
  return removals;
}

/** Frames whose blocks are all free, by their key. */
function groupFreeFrames(survey: CacheSurvey, free: readonly StoredBlock[]): Map<BlockKey, StoredBlock[]> {
  if (isAnyEncoderHeld(survey)) return new Map();
  const isFree = new Set(free);
  const held = new Set([...survey.blocks.values()].filter((one) => !isFree.has(one)).map(({ key }) => key));
  return groupBy(
    [...survey.frames.values()].filter(({ key }) => !held.has(key)),
    ({ key }) => key,
  );
}

function sumSizes(removals: readonly Removal[]): number {
  return removals.reduce((sum, { file }) => sum + file.size, 0);
}
