/** From references to a bundle that can be read: reads the source, makes the blocks that are missing, assembles, checks. */
import { liblzmaVersion } from '../addon/block-codec.ts';
import type { BlockStore } from '../cache/block-store.ts';
import type { Cache } from '../cache/cache.ts';
import { encoderName, type EncoderSettings, type Profile } from '../plan/layout/profile.ts';
import { createRecipe, recipeDigest } from '../plan/layout/recipe.ts';
import type { Digest } from '../ground/digest.ts';
import { BundleError, isBundleError } from '../ground/errors.ts';
import type { Image } from '../image/image.ts';
import type { Reference } from '../image/reference.ts';
import { applyTagRules, type TagRule } from '../image/tag-rules.ts';
import { cuttingRule } from '../plan/cut/cutting-rule.ts';
import { pieceOf } from '../plan/cut/piece-cutter.ts';
import { tarLayoutName } from '../plan/plan-bundle.ts';
import { orderImages } from '../plan/total-order.ts';
import type { ImageSource, LayerSink } from '../image/image-source.ts';
import { type AssembledBundle, assembleBundle } from '../plan/layout/assemble.ts';
import { type BlockMaker, createBlockMaker } from './block-maker.ts';
import { type BuildMeter, createBuildMeter } from './build-meter.ts';
import { findBadBlocks } from '../file/find-bad-blocks.ts';
import { createIngest, type TarFault } from './ingest.ts';
import { createLeftOut, keepImagesOfTars, keepLoadableImages, type LeaveOutOptions } from './leave-out.ts';
import { findCheck, hashStamps, isTrusted, keepCheck } from './kept-checks.ts';
import { type BundleStatistics, measureBundle } from './measure-bundle.ts';
import { type Bundle, holdBundle, openAssembledBundle } from './open-bundle.ts';

/** What a user may choose of a profile. */
export type ProfileChoice = Pick<EncoderSettings, 'preset' | 'extreme' | 'check'>;

/** What makes other images of those that were read works with. */
export interface Workshop {
  readonly cache: Cache;
  readonly profile: Profile;
  /** Takes new layers, and layers of other sources. */
  readonly sink: LayerSink;
  /** Waits until all that the sink was given is stored; throws what went wrong with it. */
  settle(): Promise<void>;
  readonly signal: AbortSignal;
}

/** The images of a bundle, made of those that were read of a source; every layer of theirs must be in the sink. */
export type ReworkImages = (images: readonly Image[], workshop: Workshop) => Promise<readonly Image[]>;

export interface PrepareBundleOptions extends LeaveOutOptions {
  readonly source: ImageSource;
  /** Empty for all images of the source. */
  readonly references: readonly Reference[];
  /** The names that images get in the bundle, where not those that they were asked for by. */
  readonly tagRules?: readonly TagRule[];
  /** What the images of the bundle are made of those that were read; where left out, they are what was read. */
  readonly rework?: ReworkImages;
  readonly cache: Cache;
  readonly profile: ProfileChoice;
  /** The recipe of a bundle that needs no check, for somebody serves it who checks each block that is read. */
  readonly uncheckedRecipe?: Digest;
  /** Whether blocks are not checked that were within a day and that nobody touched since: for mounts, which do it at the first read. */
  readonly trustsChecks?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: PrepareProgress) => void;
  /** Counts what this costs; one of its own where left out. */
  readonly meter?: BuildMeter;
}

export interface PrepareProgress {
  /** Bytes read of the source, and how many there are where that is known. */
  readonly readSize: number;
  readonly totalSize: number | undefined;
  /** Bytes of content encoded, and found encoded. */
  readonly encodedSize: number;
  readonly reusedSize: number;
}

export interface PreparedBundle extends Bundle {
  readonly statistics: BundleStatistics;
}

/** The full profile of `choice` on this machine. */
export function completeProfile(choice: ProfileChoice): Profile {
  return { liblzma: liblzmaVersion(), ...choice, cutter: cuttingRule.name };
}

/**
 * Makes the bundle of the wanted images, and checks every one of its blocks. A block that was damaged on disk is set
 * aside and made again from the source, once; where the source cannot give it a second time, throws block-corrupt.
 * Throws all that sources, cache and encoder throw. What was encoded before an error stays in the cache. Nothing of the
 * bundle is collected until it is disposed of.
 */
export async function prepareBundle(options: PrepareBundleOptions): Promise<PreparedBundle> {
  const { cache } = options;
  const build = await cache.leaseBuild(encoderName(completeProfile(options.profile)));
  try {
    const bundle = await prepareHealed(options, options.meter ?? createBuildMeter());
    return holdBundle(bundle, await cache.lease(recipeDigest(bundle.recipe)));
  } finally {
    await cache.save();
    await build[Symbol.asyncDispose]();
  }
}

async function prepareHealed(options: PrepareBundleOptions, meter: BuildMeter): Promise<PreparedBundle> {
  const first = await prepareReworked(options, meter);
  if (first.bad.size === 0) return first.bundle;
  await first.bundle[Symbol.asyncDispose]();
  for (const path of first.bad) await options.cache.setAside(path);
  const second = await prepareChecked(options, meter).catch((error: unknown) => {
    throw new BundleError(
      'block-corrupt',
      `Cannot make the bundle: ${first.bad.size} damaged blocks of the cache were set aside and could not be made again`,
      { cause: error, hint: isBundleError(error) ? error.message : 'Run the command again.' },
    );
  });
  const [stillBad] = second.bad;
  if (stillBad === undefined) return second.bundle;
  await second.bundle[Symbol.asyncDispose]();
  throw new BundleError(
    'block-corrupt',
    `Cannot make the bundle: "${stillBad}" is damaged again right after it was made`,
    {
      hint: 'The disk of the cache does not keep what is written to it. Name another folder with --cache.',
      path: stillBad,
    },
  );
}

/** Damaged blocks that are met while images are made of others come one by one; each is set aside, and no path twice. */
async function prepareReworked(
  options: PrepareBundleOptions,
  meter: BuildMeter,
): ReturnType<typeof prepareChecked> {
  const setAside = new Set<string>();
  for (;;) {
    try {
      return await prepareChecked(options, meter);
    } catch (error) {
      const path = isBundleError(error, 'block-corrupt') ? error.path : undefined;
      if (options.rework === undefined || path === undefined || setAside.has(path)) throw error;
      setAside.add(path);
      await options.cache.setAside(path);
    }
  }
}

async function prepareChecked(
  options: PrepareBundleOptions,
  meter: BuildMeter,
): Promise<{ bundle: PreparedBundle; bad: ReadonlySet<string> }> {
  const { bundle, store } = await prepareOnce(options, meter);
  if (options.uncheckedRecipe === recipeDigest(bundle.recipe)) return { bundle, bad: new Set() };
  try {
    const { cache, signal, trustsChecks = false } = options;
    const stamps = await hashStamps(store, bundle.assembled.blocks);
    const known = await findCheck(cache, bundle.recipe);
    if (trustsChecks && isTrusted(known, stamps)) return { bundle, bad: new Set() };
    const bad = await findBadBlocks(bundle.xz, bundle.assembled.layout, signal);
    if (bad.size === 0) {
      store.noteRight(bundle.assembled.blocks);
      await keepCheck(cache, bundle.recipe, stamps, known);
    }
    return { bundle, bad };
  } catch (error) {
    await bundle[Symbol.asyncDispose]();
    throw error;
  }
}

/** Where it fails, nothing of it is under way any more when it throws: encoders stop, and half-written files are gone. */
async function prepareOnce(
  options: PrepareBundleOptions,
  meter: BuildMeter,
): Promise<{ bundle: PreparedBundle; store: BlockStore }> {
  const { cache } = options;
  const profile = completeProfile(options.profile);
  const store = await cache.openBlocks(profile);
  const stopping = new AbortController();
  const signal = AbortSignal.any([stopping.signal, ...(options.signal ? [options.signal] : [])]);
  const progress = createProgress(meter, options.onProgress);
  const maker = createBlockMaker(store, profile, { signal, onBlock: progress.onBlock, meter });
  try {
    const { images, assembled } = await readAndAssemble(options, {
      maker,
      meter,
      profile,
      progress,
      signal,
      store,
    });
    const recipe = await keepRecipe(cache, images, profile);
    const bundle = openAssembledBundle(images, recipe, assembled, store);
    const statistics = measureBundle(assembled.blocks, meter.encoded);
    return { bundle: Object.assign(bundle, { statistics }), store };
  } catch (error) {
    stopping.abort(error);
    await maker.settle();
    throw error;
  }
}

interface PrepareParts {
  readonly maker: BlockMaker;
  readonly meter: BuildMeter;
  readonly profile: Profile;
  readonly progress: ReturnType<typeof createProgress>;
  readonly signal: AbortSignal;
  readonly store: BlockStore;
}

async function readAndAssemble(
  { source, references, tagRules = [], rework, cache, ...options }: PrepareBundleOptions,
  { maker, meter, profile, progress, signal, store }: PrepareParts,
): Promise<{ images: readonly Image[]; assembled: AssembledBundle }> {
  const { check } = profile;
  const layers = await cache.openLayers(profile);
  const takesUnloadable = rework !== undefined;
  const ingest = createIngest({ cache, store, layers, maker, check, meter, takesUnloadable });
  const leftOut = createLeftOut(options);
  const found = await meter.reading.time(() =>
    source.readImages(references, ingest.sink, {
      signal,
      onRead: progress.onRead,
      leaveOut: leftOut.leaveOut,
    }),
  );
  const { tarFaults } = ingest;
  const read = keepImagesOfTars(found, references, tarFaults, leftOut, (fault) =>
    isMet(fault, takesUnloadable),
  );
  leftOut.checkLeft(read);
  let records = await ingest.finish();
  let made: readonly Image[] = read;
  if (rework !== undefined) {
    const settle = async (): Promise<void> => {
      await ingest.finish();
    };
    try {
      const reworked = await rework(read, { cache, profile, sink: ingest.sink, settle, signal });
      made = keepImagesOfTars(reworked, references, tarFaults, leftOut);
      leftOut.checkLeft(made);
      records = await ingest.finish();
    } finally {
      await ingest.forgetUnloadable();
    }
  }
  const loadable = keepLoadableImages(made, leftOut);
  leftOut.checkLeft(loadable);
  const rules = leftOut.hasAny ? tagRules.map((rule) => ({ ...rule, mustMatch: false })) : tagRules;
  const images = orderImages(applyTagRules(loadable, rules));
  const assembled = await assembleBundle(images, profile.check, {
    findLayer: (diffId) => records.get(diffId),
    glueBlock: (glue) => maker.makeBlock(pieceOf(glue)),
  });
  return { images, assembled };
}

/** Images of which others are made need only be readable. */
function isMet({ isReadable }: TarFault, takesUnloadable: boolean): boolean {
  return !(takesUnloadable && isReadable);
}

/** A recipe made before is given back as it was kept: it may know its bundle's digest. */
async function keepRecipe(
  cache: Cache,
  images: readonly Image[],
  profile: Profile,
): Promise<Bundle['recipe']> {
  for (const image of images) await cache.putConfig(image.config);
  const recipe = createRecipe(images, profile, tarLayoutName);
  const known = await cache.findRecipe(recipeDigest(recipe));
  if (known === undefined) await cache.putRecipe(recipe);
  return known ?? recipe;
}

function createProgress(
  meter: BuildMeter,
  report: ((progress: PrepareProgress) => void) | undefined,
): {
  onRead: (done: number, total: number | undefined) => void;
  onBlock: (size: number, wasEncoded: boolean) => void;
} {
  const readBefore = meter.readSize; // by a first attempt, which met damaged blocks
  let progress: PrepareProgress = { readSize: 0, totalSize: undefined, encodedSize: 0, reusedSize: 0 };
  const update = (change: Partial<PrepareProgress>): void => {
    progress = { ...progress, ...change };
    report?.(progress);
  };
  return {
    onRead(readSize, totalSize) {
      meter.readSize = readBefore + readSize;
      update({ readSize, totalSize });
    },
    onBlock(size, wasEncoded) {
      if (wasEncoded) update({ encodedSize: progress.encodedSize + size });
      else update({ reusedSize: progress.reusedSize + size });
    },
  };
}
