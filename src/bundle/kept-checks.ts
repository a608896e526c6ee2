/** Remembers that all blocks of a bundle were found right: for a day, and for as long as nobody touches their files. */
import { createHash } from 'node:crypto';
import type { BlockRecord } from '../plan/layout/block-record.ts';
import type { BlockStore } from '../cache/block-store.ts';
import type { Cache } from '../cache/cache.ts';
import { type Recipe, recipeDigest } from '../plan/layout/recipe.ts';

/** What was found right is looked at again after this time: disks forget. */
const trustMs = 24 * 60 * 60 * 1000;

export interface Check {
  /** When the blocks were all read, in Unix time. */
  readonly timeMs: number;
  /** sha256 over the keys, the digests and the stamps of their files. */
  readonly stamps: string;
}

/** The last kept check of the bundle of `recipe`. */
export async function findCheck(cache: Cache, recipe: Recipe): Promise<Check | undefined> {
  const [timeMs, stamps] = (await cache.findCheck(recipeDigest(recipe)))?.split(' ') ?? [];
  return stamps === undefined ? undefined : { timeMs: Number(timeMs), stamps };
}

/** Whether all blocks were found right within a day and are, by their `stamps`, what they were then. */
export function isTrusted(known: Check | undefined, stamps: string | undefined): boolean {
  return known !== undefined && known.stamps === stamps && isFresh(known, trustMs);
}

/** Keeps that all blocks have been found right; their `stamps` must be from before that. */
export async function keepCheck(
  cache: Cache,
  recipe: Recipe,
  stamps: string | undefined,
  known: Check | undefined,
): Promise<void> {
  if (stamps === undefined || (known?.stamps === stamps && isFresh(known, trustMs / 2))) return;
  await cache.putCheck(recipeDigest(recipe), `${Date.now()} ${stamps}`);
}

/** The sha256 over the keys and digests of a bundle's blocks and the stamps of their files; undefined where one is not stored. */
export async function hashStamps(
  store: BlockStore,
  blocks: readonly BlockRecord[],
): Promise<string | undefined> {
  const stamps = await store.stampBlocks(blocks);
  const hash = createHash('sha256');
  for (const [index, { key, digest }] of blocks.entries()) {
    const stamp = stamps[index];
    if (stamp === undefined) return undefined;
    hash.update(`${key} ${digest} ${stamp}\n`);
  }
  return hash.digest('hex');
}

function isFresh({ timeMs }: Check, ageMs: number): boolean {
  const age = Date.now() - timeMs;
  return age >= 0 && age < ageMs;
}
