/** What `bundlefs cache gc` does. */
import { findCache } from '../../../cache/cache.ts';
import { collectGarbage, type Collection } from '../../../cache/upkeep/collect-garbage.ts';
import { isAllHeld, type Removal, type RemovalReason } from '../../../cache/upkeep/plan-collection.ts';
import { type KeepReason, type KeptImages, listMissingLayers } from '../../../cache/upkeep/protect-blocks.ts';
import { noteCollection } from '../../../cache/upkeep/collect-automatically.ts';
import { type CacheChoice, chooseCache, readKeptRecipes } from '../../../request/made/cache.ts';
import { warnOfStrangers } from '../../output/warn-of-strangers.ts';
import { formatCount, formatSize, formatTable } from '../../../ground/format-text.ts';
import { appendAll } from '../../../ground/long-lists.ts';
import { chosenLimits, chosenRecipes, type LimitOptions } from '../../../request/cache-limits.ts';
import { printJson, printLines, warnLines } from '../../../ground/print.ts';
import { nameImages } from '../../../image/image.ts';

export interface CacheGcOptions extends LimitOptions, CacheChoice {
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

const removalReasons: Readonly<Record<RemovalReason, string>> = {
  old: 'not used for longer than --older-than',
  'over-size': 'used longest ago, to come down to --max-size',
  'not-kept': 'not needed by the bundles to keep',
  unneeded: 'left by builds that did not finish',
  damaged: 'damaged, and set aside a week ago or longer',
  'old-record': 'records that nobody used for a year',
};
const keepReasons: Readonly<Record<KeepReason, string>> = {
  leased: 'in use by a mount or a reader',
  building: 'a build is running, which may find them known',
  'kept-last': 'needed by the bundles used last (--keep-last)',
  'kept-recipe': 'needed for a recipe to keep (--keep-recipe)',
};
const removedKinds: Readonly<Record<Removal['kind'], string>> = {
  block: 'blocks',
  frame: 'zstd frames',
  layer: 'layer records',
  recipe: 'recipes',
  config: 'image configs',
  'image-id': 'image ids',
  damaged: 'damaged files',
};

/** Removes what the limits say, or only says what that is. */
export async function runCacheGc(options: CacheGcOptions, signal: AbortSignal): Promise<void> {
  const chosen = await chooseCache(options);
  const limits = chosenLimits(options, chosen.limits, process.env);
  const recipes = chosenRecipes(options, chosen.limits);
  const kept = await readKeptRecipes(recipes);
  const cache = await findCache(chosen.path);
  const isDryRun = options.dryRun === true;
  const collection = await collectGarbage(cache, limits, { isDryRun, kept, signal });
  for (const [index, images] of kept.entries()) warnOfMissing(recipes[index] ?? '', images, collection);
  warnOfStrangers(collection.survey);
  if (!isDryRun) await noteCollection(cache, collection, limits);
  if (options.json === true) printJson({ path: cache.root, isDryRun, limits, ...toReport(collection) });
  else printLines(toText(cache.root, isDryRun, collection));
}

/** What a recipe needs and the cache has not, it cannot keep. */
function warnOfMissing(path: string, images: KeptImages, { survey }: Collection): void {
  const { length } = listMissingLayers(survey, images);
  if (length === 0) return;
  warnLines([
    `bundlefs: ${formatCount(length, 'layer')} of the recipe "${path}" ${length === 1 ? 'is' : 'are'} not in this cache: nothing here keeps the recipe good for building. To have all of them: bundlefs build --from recipe:${path} -o FILE`,
  ]);
}

function toReport(collection: Collection): object {
  const { removals, survey, sizeBefore, sizeAfter, isWithinSize } = collection;
  return {
    sizeBefore,
    sizeAfter,
    isWithinSize,
    removed: groupRemovals(removals),
    kept: groupKept(collection),
    keptFrames: measureKeptFrames(collection),
    bundles: listAffected(collection).map(({ recipe, useMs, ...sizes }) => ({
      recipe: recipe.digest,
      images: recipe.recipe.images.map(({ tags }) => tags),
      lastUsed: new Date(useMs).toISOString(),
      ...sizes,
    })),
    leases: survey.leases.map(({ sinceMs, ...lease }) => ({
      ...lease,
      since: new Date(sinceMs).toISOString(),
    })),
  };
}

function toText(root: string, isDryRun: boolean, collection: Collection): string[] {
  const { survey, sizeBefore, sizeAfter, isWithinSize } = collection;
  const removed = groupRemovals(collection.removals);
  const lines = [`${root}: ${formatSize(sizeBefore)}`];
  if (isAllHeld(survey)) {
    lines.push('Nothing can be removed now: a process holds the cache that this version knows nothing of.');
  }
  if (removed.length > 0) {
    const rows = removed.map(({ kind, reason, fileCount, size }) => [
      removedKinds[kind],
      String(fileCount),
      formatSize(size),
      removalReasons[reason],
    ]);
    appendAll(
      lines,
      formatTable([isDryRun ? 'would be removed' : 'removed', '>files', '>size', 'why'], rows),
    );
  }
  const kept = groupKept(collection).map(({ reason, blockCount, size }) => [
    'blocks',
    String(blockCount),
    formatSize(size),
    reason === 'within-limits' ? 'within the limits' : keepReasons[reason],
  ]);
  const frames = measureKeptFrames(collection);
  if (frames.fileCount > 0) {
    const { fileCount, size } = frames;
    kept.push(['zstd frames', String(fileCount), formatSize(size), 'kept with the blocks of their content']);
  }
  if (kept.length > 0) appendAll(lines, formatTable(['kept', '>files', '>size', 'why'], kept));
  const affected = listAffected(collection).map(({ recipe, useMs, size, removedSize }) => [
    nameImages(recipe.recipe.images),
    new Date(useMs).toISOString().slice(0, 16).replace('T', ' '),
    formatSize(removedSize),
    formatSize(size),
  ]);
  if (affected.length > 0) {
    appendAll(
      lines,
      formatTable(['bundle to be encoded again when it is wanted', 'last used', '>of it', '>of'], affected),
    );
  }
  lines.push(
    removed.length === 0
      ? 'Nothing to remove.'
      : `${isDryRun ? 'Would free' : 'Freed'} ${formatSize(sizeBefore - sizeAfter)}; ${formatSize(sizeAfter)} ${isDryRun ? 'would stay' : 'stay'}.`,
  );
  if (!isWithinSize) lines.push('That is still more than --max-size: the rest is in use, or is to be kept.');
  return lines;
}

interface RemovedGroup {
  readonly kind: Removal['kind'];
  readonly reason: RemovalReason;
  readonly fileCount: number;
  readonly size: number;
}

function groupRemovals(removals: readonly Removal[]): RemovedGroup[] {
  const groups = new Map<string, RemovedGroup>();
  for (const { kind, reason, file } of removals) {
    const group = groups.get(`${kind} ${reason}`) ?? { kind, reason, fileCount: 0, size: 0 };
    groups.set(`${kind} ${reason}`, {
      ...group,
      fileCount: group.fileCount + 1,
      size: group.size + file.size,
    });
  }
  return [...groups.values()];
}

interface KeptGroup {
  readonly reason: KeepReason | 'within-limits';
  readonly blockCount: number;
  readonly size: number;
}

function groupKept({ survey, protectedBlocks, removals }: Collection): KeptGroup[] {
  const removed = new Set(removals.map(({ file }) => file.path));
  const groups = new Map<KeptGroup['reason'], KeptGroup>();
  for (const block of survey.blocks.values()) {
    if (removed.has(block.path)) continue;
    const reason = protectedBlocks.get(block.id) ?? 'within-limits';
    const { blockCount, size } = groups.get(reason) ?? { blockCount: 0, size: 0 };
    groups.set(reason, { reason, blockCount: blockCount + 1, size: size + block.size });
  }
  return [...groups.values()];
}

function measureKeptFrames({ survey, removals }: Collection): {
  readonly fileCount: number;
  readonly size: number;
} {
  const removed = new Set(removals.map(({ file }) => file.path));
  const kept = [...survey.frames.values()].filter(({ path }) => !removed.has(path));
  return { fileCount: kept.length, size: kept.reduce((sum, { size }) => sum + size, 0) };
}

interface AffectedBundle {
  readonly recipe: Collection['survey']['recipes'][number];
  readonly useMs: number;
  /** Bytes of its blocks that are stored, and of those that go. */
  readonly size: number;
  readonly removedSize: number;
}

function listAffected({ survey, removals }: Collection): AffectedBundle[] {
  const removed = new Set(removals.map(({ file }) => file.path));
  return survey.recipes.flatMap((recipe) => {
    let size = 0;
    let removedSize = 0;
    for (const id of recipe.blocks) {
      const block = survey.blocks.get(id);
      if (block === undefined) continue;
      size += block.size;
      if (removed.has(block.path)) removedSize += block.size;
    }
    return removedSize === 0 ? [] : [{ recipe, useMs: recipe.useMs, size, removedSize }];
  });
}
