/** What `bundlefs cache info` does. */
import { findCache } from '../../../cache/cache.ts';
import {
  type BundleUsage,
  type CacheFolders,
  type FolderMeasure,
  type LayerUsage,
  listBundleUsage,
  listLargestLayers,
  measureFolders,
  measureReuse,
  measureSharing,
  type ReuseMeasure,
  type SharingMeasure,
} from '../../../cache/upkeep/describe-usage.ts';
import { planCollection } from '../../../cache/upkeep/plan-collection.ts';
import { type CacheSurvey, surveyCache } from '../../../cache/upkeep/survey-cache.ts';
import { warnOfStrangers } from '../../output/warn-of-strangers.ts';
import { familiarName } from '../../../image/reference.ts';
import { type CacheChoice, chooseCache, readKeptRecipes } from '../../../request/made/cache.ts';
import { formatCount, formatSize, formatTable, joinSections } from '../../../ground/format-text.ts';
import { chosenLimits, chosenRecipes, hasLimits, type LimitOptions } from '../../../request/cache-limits.ts';
import { printJson, printLines } from '../../../ground/print.ts';
import { nameImages } from '../../../image/image.ts';

export interface CacheInfoOptions extends LimitOptions, CacheChoice {
  readonly json?: boolean;
}

const shownBundles = 10;
const shownLayers = 5;
const shownDays = 7;

interface CacheFacts {
  readonly survey: CacheSurvey;
  readonly folders: CacheFolders;
  readonly sharing: SharingMeasure;
  readonly bundles: readonly BundleUsage[];
  readonly layers: readonly LayerUsage[];
  readonly reuse: readonly ReuseMeasure[];
  /** What a collection would free with the limits that are set; undefined where there are none. */
  readonly collectable: { readonly size: number; readonly maxSize?: number } | undefined;
}

/** Prints what the cache holds and who uses it. */
export async function runCacheInfo(options: CacheInfoOptions): Promise<void> {
  const chosen = await chooseCache(options);
  const limits = chosenLimits(options, chosen.limits, process.env);
  const kept = await readKeptRecipes(chosenRecipes(options, chosen.limits));
  const cache = await findCache(chosen.path);
  const survey = await surveyCache(cache, Date.now());
  const plan = planCollection(survey, limits, kept);
  const facts: CacheFacts = {
    survey,
    folders: measureFolders(survey),
    sharing: measureSharing(survey),
    bundles: listBundleUsage(survey),
    layers: listLargestLayers(survey, shownLayers),
    reuse: measureReuse(await cache.listBuilds()),
    collectable:
      hasLimits(limits) || limits.keepLast !== undefined
        ? { size: plan.sizeBefore - plan.sizeAfter, ...limits }
        : undefined,
  };
  warnOfStrangers(survey);
  if (options.json === true) printJson(toJson(cache.root, facts));
  else printLines(toText(cache.root, facts));
}

function toJson(
  root: string,
  { survey, folders, sharing, bundles, layers, reuse, collectable }: CacheFacts,
): object {
  return {
    path: root,
    size: survey.size,
    ...folders,
    sharing,
    bundles: bundles.map(({ recipe, ...usage }) => ({
      recipe: recipe.digest,
      images: recipe.recipe.images.map(({ tags }) => tags.map((tag) => familiarName(tag))),
      profile: recipe.profile,
      lastUsed: new Date(recipe.useMs).toISOString(),
      isLeased: recipe.isLeased,
      ...usage,
    })),
    largestLayers: layers,
    reuse,
    leases: survey.leases.map(({ sinceMs, ...lease }) => ({
      ...lease,
      since: new Date(sinceMs).toISOString(),
    })),
    collectable,
  };
}

function toText(root: string, facts: CacheFacts): string[] {
  const { survey, sharing, bundles, layers, reuse, collectable } = facts;
  const parts = [
    [`${root}: ${formatSize(survey.size)}`],
    foldersTable(facts.folders),
    [
      `Of the blocks ${formatSize(sharing.sharedSize)} are needed by several bundles, ${formatSize(sharing.singleSize)} by one, ${formatSize(sharing.unneededSize)} by none.`,
    ],
  ];
  if (bundles.length > 0) parts.push(bundlesTable(bundles));
  if (layers.length > 0) parts.push(layersTable(layers));
  if (reuse.length > 0) parts.push(reuseTable(reuse.slice(0, shownDays)));
  const builds = survey.leases.filter(({ kind }) => kind === 'build').length;
  if (builds > 0) parts.push([`${formatCount(builds, 'build')} running.`]);
  parts.push([
    collectable === undefined
      ? 'No limit is set ("gc" in bundlefs.yaml, BUNDLEFS_CACHE_MAX_SIZE): it grows until bundlefs cache gc is run.'
      : `With the limits that are set, bundlefs cache gc would free ${formatSize(collectable.size)}.`,
  ]);
  return joinSections(parts);
}

function foldersTable(folders: CacheFolders): string[] {
  const row = (what: string, { fileCount, size }: FolderMeasure): string[] => [
    what,
    String(fileCount),
    formatSize(size),
  ];
  const rows = [
    ...folders.blocks.map((folder) => row(`blocks of ${folder.name}`, folder)),
    ...folders.frames.map((folder) => row(`frames of ${folder.name}`, folder)),
    ...folders.layers.map((folder) => row(`layers of ${folder.name}`, folder)),
    row('image configs', folders.configs),
    row('recipes', folders.recipes),
    row('image ids', folders.images),
    row('journal and uses', folders.notes),
    ...(folders.bad.fileCount > 0 ? [row('damaged, set aside', folders.bad)] : []),
  ];
  return formatTable(['what', '>files', '>size'], rows);
}

function bundlesTable(bundles: readonly BundleUsage[]): string[] {
  const rows = bundles
    .slice(0, shownBundles)
    .map(({ recipe, size, ownSize, missingBlockCount }) => [
      recipe.isLeased ? 'now' : new Date(recipe.useMs).toISOString().slice(0, 16).replace('T', ' '),
      nameImages(recipe.recipe.images),
      formatSize(size),
      formatSize(ownSize),
      missingBlockCount > 0 ? `${formatCount(missingBlockCount, 'block')} to be encoded again` : '',
    ]);
  const more = bundles.length - shownBundles;
  const table = formatTable(['used (UTC)', 'bundle', '>size', '>its own', ''], rows);
  return more > 0 ? [...table, `${more} more`] : table;
}

function layersTable(layers: readonly LayerUsage[]): string[] {
  // A layer that was cut for several profiles stands here once for each.
  const namesProfiles = new Set(layers.map(({ profile }) => profile)).size > 1;
  const rows = layers.map(({ diffId, profile, size, uncompressedSize, images }) => [
    diffId.slice('sha256:'.length, 'sha256:'.length + 12),
    formatSize(size),
    formatSize(uncompressedSize),
    ...(namesProfiles ? [profile] : []),
    images.length === 0 ? 'in no bundle' : nameImages(images.map((tag) => ({ tags: [tag] }))),
  ]);
  const header = ['largest layers', '>size', '>uncompressed', ...(namesProfiles ? ['profile'] : []), 'in'];
  return formatTable(header, rows);
}

function reuseTable(reuse: readonly ReuseMeasure[]): string[] {
  const rows = reuse.map(({ day, buildCount, reusedSize, encodedSize }) => {
    const total = reusedSize + encodedSize;
    const share = total === 0 ? '' : `${((100 * reusedSize) / total).toFixed(1)} %`;
    return [day, String(buildCount), share, formatSize(encodedSize)];
  });
  return formatTable(['day', '>builds', '>reused', '>encoded'], rows);
}
