/** From references to a bundle that can be read: reads the source, makes the blocks that are missing, assembles, checks. */
import { liblzmaVersion } from '../addon/block-codec.ts';
import { type BlockKey, type BlockRecord, storedSize } from '../blocks/block-record.ts';
import type { Cache } from '../blocks/cache.ts';
import type { EncoderSettings, Profile } from '../blocks/profile.ts';
import { createRecipe, recipeDigest } from '../blocks/recipe.ts';
import { BundleError, isBundleError } from '../errors.ts';
import type { Image } from '../image/image.ts';
import type { Reference } from '../image/reference.ts';
import { applyTagRules, type TagRule } from '../image/tag-rules.ts';
import { cuttingRule } from '../plan/cutting-rule.ts';
import { tarLayoutName } from '../plan/plan-bundle.ts';
import { orderImages } from '../plan/total-order.ts';
import type { ImageSource } from '../sources/image-source.ts';
import { assembleBundle } from './assemble.ts';
import { createBlockMaker } from './block-maker.ts';
import { findBadBlocks } from './find-bad-blocks.ts';
import { createIngest } from './ingest.ts';
import { type Bundle, openAssembledBundle } from './open-bundle.ts';

/** What a user may choose of a profile. */
export type ProfileChoice = Pick<EncoderSettings, 'preset' | 'extreme' | 'check'>;

export interface PrepareBundleOptions {
  readonly source: ImageSource;
  /** Empty for all images of the source. */
  readonly references: readonly Reference[];
  /** The names that images get in the bundle, where not those that they were asked for by. */
  readonly tagRules?: readonly TagRule[];
  readonly cache: Cache;
  readonly profile: ProfileChoice;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: PrepareProgress) => void;
}

export interface PrepareProgress {
  /** Bytes read of the source, and how many there are where that is known. */
  readonly readSize: number;
  readonly totalSize: number | undefined;
  /** Bytes of content encoded, and found encoded. */
  readonly encodedSize: number;
  readonly reusedSize: number;
}

/** How much of a bundle was there and how much had to be made. Sizes are stored bytes unless they say otherwise. */
export interface BundleStatistics {
  readonly blockCount: number;
  readonly encodedBlockCount: number;
  readonly reusedBlockCount: number;
  readonly uncompressedSize: number;
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
 * Throws all that sources, cache and encoder throw. What was encoded before an error stays in the cache.
 */
export async function prepareBundle(options: PrepareBundleOptions): Promise<PreparedBundle> {
  const encoded = new Set<BlockKey>();
  const first = await prepareChecked(options, encoded);
  if (first.bad.size === 0) return first.bundle;
  await first.bundle[Symbol.asyncDispose]();
  for (const path of first.bad) await options.cache.setAside(path);
  const second = await prepareChecked(options, encoded).catch((error: unknown) => {
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

async function prepareChecked(
  options: PrepareBundleOptions,
  encoded: Set<BlockKey>,
): Promise<{ bundle: PreparedBundle; bad: ReadonlySet<string> }> {
  const bundle = await prepareOnce(options, encoded);
  try {
    return { bundle, bad: await findBadBlocks(bundle.xz, bundle.assembled.layout, options.signal) };
  } catch (error) {
    await bundle[Symbol.asyncDispose]();
    throw error;
  }
}

async function prepareOnce(options: PrepareBundleOptions, encoded: Set<BlockKey>): Promise<PreparedBundle> {
  const { source, references, tagRules = [], cache, signal } = options;
  const profile = completeProfile(options.profile);
  const store = await cache.openBlocks(profile);
  const progress = createProgress(options.onProgress);
  const maker = createBlockMaker(store, profile, { ...(signal && { signal }), onBlock: progress.onBlock });
  const ingest = createIngest({ cache, store, layers: await cache.openLayers(profile), maker });
  const read = await source.readImages(references, ingest.sink, {
    ...(signal && { signal }),
    onRead: progress.onRead,
  });
  const records = await ingest.finish();
  const images = orderImages(applyTagRules(read, tagRules));
  const assembled = await assembleBundle(images, profile.check, {
    findLayer: (diffId) => records.get(diffId),
    glueBlock: (glue) => maker.makeBlock(glue),
  });
  for (const key of maker.encoded) encoded.add(key);
  const recipe = await keepRecipe(cache, images, profile);
  const bundle = openAssembledBundle(images, recipe, assembled, store);
  return { ...bundle, statistics: measureBundle(assembled.blocks, encoded) };
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

function measureBundle(blocks: readonly BlockRecord[], encoded: ReadonlySet<BlockKey>): BundleStatistics {
  const isNew = new Set<BlockKey>();
  let uncompressedSize = 0;
  let encodedSize = 0;
  let reusedSize = 0;
  for (const block of blocks) {
    uncompressedSize += block.uncompressedSize;
    if (encoded.has(block.key) && !isNew.has(block.key)) {
      isNew.add(block.key);
      encodedSize += storedSize(block);
    } else {
      reusedSize += storedSize(block);
    }
  }
  return {
    blockCount: blocks.length,
    encodedBlockCount: isNew.size,
    reusedBlockCount: blocks.length - isNew.size,
    uncompressedSize,
    encodedSize,
    reusedSize,
  };
}

function createProgress(report: ((progress: PrepareProgress) => void) | undefined): {
  onRead: (done: number, total: number | undefined) => void;
  onBlock: (size: number, wasEncoded: boolean) => void;
} {
  let progress: PrepareProgress = { readSize: 0, totalSize: undefined, encodedSize: 0, reusedSize: 0 };
  const update = (change: Partial<PrepareProgress>): void => {
    progress = { ...progress, ...change };
    report?.(progress);
  };
  return {
    onRead(readSize, totalSize) {
      update({ readSize, totalSize });
    },
    onBlock(size, wasEncoded) {
      if (wasEncoded) update({ encodedSize: progress.encodedSize + size });
      else update({ reusedSize: progress.reusedSize + size });
    },
  };
}
