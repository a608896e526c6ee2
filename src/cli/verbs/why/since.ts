/** What `bundlefs why --since` does. */
import { findCache } from '../../../cache/cache.ts';
import { type FinishedBuild, finishedBuilds, findImage } from '../../../inspect/find/choose-build.ts';
import { openStoredLayers, type StoredLayers } from '../../../file/stored-layers.ts';
import { type EncodedImage, sumEncoded } from '../../../inspect/cost/sum-encoded.ts';
import { imageNotFound } from '../../../image/image-not-found.ts';
import { parseImageConfig } from '../../../image/image-config.ts';
import { familiarName, parseReference } from '../../../image/reference.ts';
import { printJson, printLines } from '../../../ground/print.ts';
import { type CacheChoice, chooseCache } from '../../../request/made/cache.ts';
import { formatCount, formatSize, formatTable, shorten } from '../../../ground/format-text.ts';

export interface WhySinceOptions extends CacheChoice {
  /** Unix milliseconds. */
  readonly since: number;
  /** Steps to list for each image; 0 for all. */
  readonly top: number;
  readonly json?: boolean;
}

interface SinceReport {
  readonly sinceMs: number;
  readonly builds: readonly FinishedBuild[];
  readonly images: readonly EncodedImage[];
}

const stepWidth = 60;

/** Prints what the builds since then encoded, of each image, and for which of its layers; of one image where it is named. */
export async function runWhySince(name: string | undefined, options: WhySinceOptions): Promise<void> {
  const cache = await findCache((await chooseCache(options)).path);
  const builds = finishedBuilds(await cache.listBuilds()).filter(
    ({ startedAt }) => Date.parse(startedAt) >= options.since,
  );
  const reference = name === undefined ? undefined : parseReference(name);
  if (reference !== undefined && builds.every((build) => findImage(build, reference) === undefined)) {
    const known = builds.flatMap(({ images }) => images.flatMap(({ names }) => names));
    throw imageNotFound(reference, 'the journal since then', [...new Set(known)]);
  }
  const stores = new Map<string, StoredLayers>();
  const openLayers = async (build: FinishedBuild): Promise<StoredLayers | undefined> => {
    const known = stores.get(build.profile);
    if (known !== undefined) return known;
    const recipe = await cache.findRecipe(build.recipe);
    const opened = recipe && (await openStoredLayers(cache, recipe.profile));
    if (opened !== undefined) stores.set(build.profile, opened);
    return opened;
  };
  try {
    const images = await sumEncoded(builds, {
      findRecord: async (build, diffId) => (await openLayers(build))?.findRecord(diffId),
      async findHistory(id) {
        const config = await cache.findConfig(id);
        return config === undefined ? [] : parseImageConfig(config, `the config ${id}`).history;
      },
      select: reference === undefined ? undefined : (build) => findImage(build, reference),
    });
    const report = { sinceMs: options.since, builds, images };
    if (options.json === true) printJson(toJson(report));
    else printLines(toText(report, options.top));
  } finally {
    for (const layers of stores.values()) await layers[Symbol.asyncDispose]();
  }
}

function toJson({ sinceMs, builds, images }: SinceReport): object {
  return {
    since: new Date(sinceMs).toISOString(),
    ...sumBuilds(builds),
    images: images.map(({ name, steps, ...sum }) => ({
      name: familiarRepository(name),
      ...toSums(sum),
      steps: steps.map(({ createdBy, ...step }) => ({ createdBy, ...toSums(step) })),
    })),
  };
}

function toSums({ buildCount, size, storedSize }: Omit<EncodedImage, 'name' | 'steps'>): object {
  return { builds: buildCount, encoded: { bytes: size, storedBytes: storedSize } };
}

function toText({ sinceMs, builds, images }: SinceReport, top: number): string[] {
  const { encodingBuilds, encoded } = sumBuilds(builds);
  const since = new Date(sinceMs).toISOString().slice(0, 16).replace('T', ' ');
  const counted = `${formatCount(builds.length, 'build')} since ${since} UTC`;
  if (encodingBuilds === 0) return [`${counted}, which encoded nothing`];
  const rows = images.flatMap(({ name, steps, ...sum }) => [
    [familiarRepository(name), String(sum.buildCount), formatSize(sum.size), formatSize(sum.storedSize), ''],
    ...steps
      .slice(0, top === 0 ? undefined : top)
      .map((step) => [
        '',
        String(step.buildCount),
        formatSize(step.size),
        formatSize(step.storedSize),
        shorten(step.createdBy, stepWidth),
      ]),
  ]);
  return [
    `${counted}, of which ${encodingBuilds} encoded ${formatSize(encoded.bytes)}, ${formatSize(encoded.storedBytes)} stored`,
    '',
    ...formatTable(['image', '>builds', '>encoded', '>stored', 'made by'], rows),
  ];
}

function sumBuilds(builds: readonly FinishedBuild[]): {
  readonly builds: number;
  readonly encodingBuilds: number;
  readonly encoded: { readonly bytes: number; readonly storedBytes: number };
} {
  const encoding = builds.filter(({ encodedBlocks }) => encodedBlocks.length > 0);
  const sum = (size: (build: FinishedBuild) => number | undefined): number =>
    encoding.reduce((total, build) => total + (size(build) ?? 0), 0);
  return {
    builds: builds.length,
    encodingBuilds: encoding.length,
    encoded: {
      bytes: sum(({ statistics }) => statistics?.encodedUncompressedSize),
      storedBytes: sum(({ statistics }) => statistics?.encodedSize),
    },
  };
}

/** `docker.io/shop/web` as docker shows it. */
function familiarRepository(name: string): string {
  return name.startsWith('sha256:')
    ? name.slice('sha256:'.length, 'sha256:'.length + 12)
    : familiarName(`${name}:x`).slice(0, -':x'.length);
}
