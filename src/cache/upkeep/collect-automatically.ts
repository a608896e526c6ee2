/** Keeps a cache within its limits without being asked, and without looking at thousands of files after every short build. */
import { join } from 'node:path';
import * as z from 'zod';
import type { Cache } from '../cache.ts';
import { readOwnFile } from '../../disk/own/own-files.ts';
import { writeOwnFile } from '../../disk/write-durably.ts';
import { findErrno, isBundleError } from '../../ground/errors.ts';
import { collectGarbage, type Collection } from './collect-garbage.ts';
import type { CollectLimits } from './plan-collection.ts';
import type { KeptImages } from './protect-blocks.ts';

/** What is removed beyond the limit, so that the next builds have room. */
const headroom = 0.1;
const longestPauseMs = 24 * 60 * 60 * 1000;

const noteSchema = z.object({
  /** When the cache was last looked at, in Unix milliseconds. */
  timeMs: z.number(),
  /** Bytes it had then, and those that were encoded since. Several builds at once may lose some of these. */
  size: z.number(),
  /** What could not be removed then: below that there is no use in trying. */
  lowestSize: z.number(),
});
type CollectionNote = z.infer<typeof noteSchema>;

export interface CollectAutomaticallyOptions {
  /** Bytes that were stored since the last call. */
  readonly addedSize: number;
  /** Images whose blocks stay; called only where something may be removed, which is not done where it throws. */
  readonly readKept?: () => Promise<readonly KeptImages[]>;
  readonly now?: () => number;
}

/**
 * To be called after a build. Looks at one small file, and collects only where the cache has outgrown `maxSize` by what
 * that says, or was not looked at for a day. Another collection that runs already is left to do it. Returns what was
 * done, or undefined; never throws for what the cache's disk says.
 */
export async function collectAutomatically(
  cache: Cache,
  limits: CollectLimits,
  { addedSize, readKept, now = Date.now }: CollectAutomaticallyOptions,
): Promise<Collection | undefined> {
  if (limits.maxSize === undefined && limits.olderThanMs === undefined) return undefined;
  try {
    const note = await findNote(cache);
    const size = (note?.size ?? 0) + addedSize;
    if (note !== undefined && !isDue(note, size, limits, now())) {
      await writeNote(cache, { ...note, size });
      return undefined;
    }
    const target = limits.maxSize === undefined ? limits : aimLower(limits, limits.maxSize, size);
    const collection = await collectGarbage(cache, target, {
      timeoutMs: 0,
      now,
      kept: (await readKept?.()) ?? [],
    });
    await noteCollection(cache, collection, limits, now());
    return collection;
  } catch (error) {
    if (isBundleError(error)) return undefined;
    throw error;
  }
}

/** Notes how large the cache is after `collection`, for the next collectAutomatically. */
export async function noteCollection(
  cache: Cache,
  { sizeAfter }: Pick<Collection, 'sizeAfter'>,
  { maxSize = Number.POSITIVE_INFINITY }: CollectLimits,
  timeMs = Date.now(),
): Promise<void> {
  await writeNote(cache, { timeMs, size: sizeAfter, lowestSize: sizeAfter > maxSize ? sizeAfter : 0 });
}

function isDue(note: CollectionNote, size: number, { maxSize }: CollectLimits, timeMs: number): boolean {
  if (Math.abs(timeMs - note.timeMs) > longestPauseMs) return true;
  if (maxSize === undefined) return false;
  return size > Math.max(maxSize, note.lowestSize + maxSize * headroom);
}

/** Only a cache that is too large is brought below its limit. */
function aimLower(limits: CollectLimits, maxSize: number, size: number): CollectLimits {
  return size > maxSize ? { ...limits, maxSize: Math.floor(maxSize * (1 - headroom)) } : limits;
}

function notePath(cache: Cache): string {
  return join(cache.root, 'collection.json');
}

async function findNote(cache: Cache): Promise<CollectionNote | undefined> {
  try {
    const bytes = await readOwnFile(notePath(cache));
    const found = noteSchema.safeParse(bytes && JSON.parse(bytes.toString()));
    return found.success ? found.data : undefined;
  } catch (error) {
    if (findErrno(error) === undefined && !(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}

/** Only an estimate: one that cannot be written means that the next call looks at the cache itself. */
async function writeNote(cache: Cache, note: CollectionNote): Promise<void> {
  try {
    await writeOwnFile(notePath(cache), Buffer.from(JSON.stringify(note)), cache.partials);
  } catch (error) {
    if (findErrno(error) === undefined) throw error;
  }
}
