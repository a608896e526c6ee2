/** Opens the bundle of a recipe as a generation of a mount, from the cache alone. */
import { largestOf } from '../../ground/long-lists.ts';
import type { Cache } from '../../cache/cache.ts';
import { openRecipe } from '../../bundle/open-bundle.ts';
import type { DeltaBase } from '../../product/delta/delta-base.ts';
import { deltaFileOf } from '../../product/delta/delta-file.ts';
import { parseDigest } from '../../ground/digest.ts';
import { BundleError } from '../../ground/errors.ts';
import type { GenerationContent } from '../../mount/live/publisher.ts';
import type { BundleDescription } from '../../bundle/description.ts';
import { createStick } from '../../product/stick/create-stick.ts';
import { type DeltaReference, openReference } from '../../request/made/base.ts';
import { createDecodedBlocks } from '../../file/decoded-blocks.ts';
import { createSpill } from '../../file/spill.ts';
import { shareOfDisk } from '../../disk/share-of-disk.ts';
import { createViews } from '../../product/views/create-views.ts';
import type { ViewName } from '../../product/views/view-name.ts';
import { listStickEntries } from './bundle-files.ts';
import { describeImages } from '../../image/image.ts';
import { toolName } from '../../request/version.ts';

export interface GenerationOpener {
  /** Opens the next generation of a mount. Throws block-missing where the cache has not all of it. */
  open(recipe: string): Promise<GenerationContent>;
}

export interface GenerationOpenerOptions {
  /** See CreateStickOptions. */
  readonly maxPartSize?: number;
  /** Shows the delta from this bundle, too. */
  readonly deltaFrom?: DeltaReference;
  /** Shown besides the stick. */
  readonly views: readonly ViewName[];
  /** Of the frames of the view `images.tar.zst`. */
  readonly zstLevel: number;
  /** Bytes of decoded blocks that all files of all generations keep together in memory. */
  readonly viewCacheSize: number;
  /** And on disk; where absent, as many as the newest generation has, but no more than a share of the disk. */
  readonly viewSpillSize?: number;
  /** Told of the first failure of that disk. */
  readonly onSpillFailure?: (error: unknown) => void;
}

/** Opens generations one after the other, each of which tells what is different from the one before. */
export function createGenerationOpener(
  cache: Cache,
  {
    deltaFrom,
    views: viewNames,
    viewCacheSize,
    viewSpillSize,
    zstLevel,
    onSpillFailure,
    ...options
  }: GenerationOpenerOptions,
): GenerationOpener {
  let contentSize = 0;
  // Its files have no names and end with this process, so that nobody need close it.
  const spill = createSpill({
    folder: cache.partials,
    limit: (usedSize) => viewSpillSize ?? shareOfDisk(cache.partials, usedSize, contentSize),
    onFailure: onSpillFailure,
  });
  const decoded = createDecodedBlocks(viewCacheSize, viewSpillSize === 0 ? {} : { spill });
  let previous: BundleDescription | undefined;
  // Once for all generations: what the base was in may be gone later.
  let base: DeltaBase | undefined;
  return {
    async open(recipe) {
      const digest = parseDigest(recipe, 'the recipe to mount');
      const kept = await cache.findRecipe(digest);
      if (kept === undefined) {
        throw new BundleError('block-missing', `Cannot open the bundle: the cache has no recipe ${digest}`);
      }
      const bundle = await openRecipe(cache, kept);
      try {
        if (deltaFrom !== undefined) base ??= await openReference(deltaFrom, cache);
        const publishedMs = Date.now();
        const stick = await createStick(bundle, {
          cache,
          tool: toolName(),
          publishedMs,
          ...options,
          addFiles: base === undefined ? undefined : deltaFileOf(bundle, base, publishedMs),
          previous,
        });
        const createdMs = Date.parse(stick.description.created);
        if (viewNames.length > 0) contentSize = bundle.tar.size;
        const frames = { cache, level: zstLevel };
        const views = await createViews(bundle, viewNames, { decoded, createdMs, frames });
        previous = stick.description;
        return {
          recipe: digest,
          recipeJson: kept,
          size: bundle.xz.size,
          sha256: stick.description.archive.sha256,
          images: describeImages(bundle.images).map((image) => ({
            names: [...image.names],
            id: image.id,
            layers: [...image.layers],
          })),
          entries: listStickEntries(stick, views),
          mtimeMs: largestOf(stick.files.map(({ mtimeMs }) => mtimeMs)),
          async close() {
            await bundle[Symbol.asyncDispose]();
          },
        };
      } catch (error) {
        await bundle[Symbol.asyncDispose]();
        throw error;
      }
    },
  };
}
