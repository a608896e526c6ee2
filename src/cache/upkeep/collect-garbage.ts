/** Removes from a cache what limits say and nobody uses; others may build, read and mount meanwhile. */
import type { Cache } from '../cache.ts';
import { withCacheErrors } from '../cache-error.ts';
import { enterGate } from '../gate.ts';
import { findDigestOfHex } from '../../ground/digest.ts';
import { removeOwnFile } from '../../disk/own/own-files.ts';
import { mapWithLimit } from '../../ground/map-with-limit.ts';
import { type CollectionPlan, type CollectLimits, planCollection } from './plan-collection.ts';
import type { KeptImages } from './protect-blocks.ts';
import { listContents } from './list-contents.ts';
import { type CacheSurvey, surveyCache } from './survey-cache.ts';

const removalsAtOnce = 16;
const gateTimeoutMs = 30_000;

export interface CollectOptions {
  /** Only says what it would remove. */
  readonly isDryRun?: boolean;
  /** How long to wait for another collection to end, or for a reader that cannot write leases. */
  readonly timeoutMs?: number;
  readonly now?: () => number;
  /** Images whose blocks stay, whatever the limits say. */
  readonly kept?: readonly KeptImages[];
  /** Stops between two files; the cache is sound then too. */
  readonly signal?: AbortSignal;
}

export interface Collection extends CollectionPlan {
  readonly survey: CacheSurvey;
}

/**
 * Leases are taken and looked at under the cache's gate, which this holds alone: nobody begins to use anything between
 * the look and the last removal. Files are only removed, none is needed, so that it works on a full disk, and whichever
 * of them are gone when it is killed, the rest is a cache. Throws cache-*.
 */
export async function collectGarbage(
  cache: Cache,
  limits: CollectLimits,
  options: CollectOptions = {},
): Promise<Collection> {
  const { isDryRun = false, timeoutMs = gateTimeoutMs, now = Date.now, kept, signal } = options;
  if (isDryRun) {
    const survey = await surveyCache(cache, now());
    return { survey, ...planCollection(survey, limits, kept) };
  }
  const gate = await enterGate(cache.root, { isAlone: true, timeoutMs });
  try {
    const survey = await surveyCache(cache, now());
    const plan = planCollection(survey, limits, kept);
    // A mount that runs for months and is then cut off was used until now.
    for (const { digest, isLeased } of survey.recipes) if (isLeased) await cache.touchUse(digest);
    await mapWithLimit(plan.removals, removalsAtOnce, async ({ kind, file }) => {
      signal?.throwIfAborted();
      await withCacheErrors('remove', file.path, () => removeOwnFile(file.path));
      const recipe = kind === 'recipe' ? findDigestOfHex(file.name.replace(/\.json$/, '')) : undefined;
      if (recipe === undefined) return;
      await cache.forgetUse(recipe);
    });
    await cache.compactKnown(listContents(survey, plan.removals));
    return { survey, ...plan };
  } finally {
    await gate[Symbol.asyncDispose]();
  }
}
