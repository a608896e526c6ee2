/** A bundle open for reading, and how one is opened from its recipe without encoding anything. */
import type { BlockRecord } from '../plan/layout/block-record.ts';
import type { BlockStore } from '../cache/block-store.ts';
import type { Cache } from '../cache/cache.ts';
import type { Lease } from '../cache/leases.ts';
import { type Recipe, recipeDigest } from '../plan/layout/recipe.ts';
import type { LayerRecord } from '../plan/layout/layer-record.ts';
import type { DiffId } from '../ground/digest.ts';
import { BundleError } from '../ground/errors.ts';
import type { DecodedBlocks } from '../file/decoded-blocks.ts';
import { type DecodedFile, openDecodedFile } from '../file/decoded-file.ts';
import { listDecodableBlocks } from '../file/decodable-blocks.ts';
import { openStoredFile, type StoredFile, type StoredPlaces } from '../file/stored-file.ts';
import { createImage, type Image } from '../image/image.ts';
import type { Layout } from '../plan/layout/extent.ts';
import { sliceLayout } from '../plan/layout/slice-layout.ts';
import { assembleBundle, type AssembledBundle } from '../plan/layout/assemble.ts';
import { contentKey } from '../plan/layout/content-key.ts';
import { pieceOf } from '../plan/cut/piece-cutter.ts';
import { mapWithLimit } from '../ground/map-with-limit.ts';

const filesAtOnce = 16;

export interface Bundle extends AsyncDisposable {
  /** In the order of the bundle. */
  readonly images: readonly Image[];
  readonly recipe: Recipe;
  readonly assembled: AssembledBundle;
  /** `images.tar.xz`. */
  readonly xz: StoredFile;
  /** `images.tar`, decoded on read. Closed with the bundle. */
  readonly tar: DecodedFile;
  /**
   * Bytes `start` to `end` of `xz` as a file of their own, closed with the bundle. Both must be ends of extents of the
   * layout; throws RangeError otherwise.
   */
  openPart(start: number, end: number): StoredFile;
  /** A file of any layout over the bundle's own blocks, or what `store` has, closed with the bundle. */
  openLayout(layout: Layout, store?: StoredPlaces): StoredFile;
  /** `images.tar` once more, which keeps what it decodes in `decoded`, together with others. */
  openTar(decoded: DecodedBlocks): DecodedFile;
}

/** An assembled bundle over the store that has its blocks. What takes time is done when a view is first read. */
export function openAssembledBundle(
  images: readonly Image[],
  recipe: Recipe,
  assembled: AssembledBundle,
  store: BlockStore,
): Bundle {
  const files: StoredFile[] = [];
  const open = (layout: Layout, from: StoredPlaces = store): StoredFile => {
    const file = openStoredFile(layout, from);
    files.push(file);
    return file;
  };
  const xz = open(assembled.layout);
  let tar: DecodedFile | undefined;
  const listBlocks = () => listDecodableBlocks(assembled.layout, assembled.check);
  return {
    images,
    recipe,
    assembled,
    xz,
    get tar() {
      return (tar ??= openDecodedFile(xz, listBlocks()));
    },
    openPart: (start, end) => open(sliceLayout(assembled.layout, start, end)),
    openLayout: open,
    openTar: (decoded) => openDecodedFile(xz, listBlocks(), { decoded }),
    async [Symbol.asyncDispose]() {
      await Promise.all(files.map((file) => file.close()));
    },
  };
}

/**
 * Opens the bundle of `recipe` from what `cache` has. Nothing is encoded: throws block-missing where the cache has
 * not all of it. Nothing of it is collected until it is disposed of.
 */
export async function openRecipe(cache: Cache, recipe: Recipe): Promise<Bundle> {
  const lease = await cache.lease(recipeDigest(recipe));
  try {
    const bundle = holdBundle(await openLeased(cache, recipe), lease);
    await cache.save();
    return bundle;
  } catch (error) {
    await lease[Symbol.asyncDispose]();
    throw error;
  }
}

/** The same bundle, which gives `lease` back when it is disposed of. */
export function holdBundle<T extends Bundle>(bundle: T, lease: Lease): T {
  const close = bundle[Symbol.asyncDispose].bind(bundle);
  // Not a copy, which would open the views.
  return Object.assign(bundle, {
    async [Symbol.asyncDispose]() {
      await close();
      await lease[Symbol.asyncDispose]();
    },
  });
}

async function openLeased(cache: Cache, recipe: Recipe): Promise<Bundle> {
  const { profile } = recipe;
  const store = await cache.openBlocks(profile);
  const layers = await cache.openLayers(profile);
  const images = await mapWithLimit(recipe.images, filesAtOnce, async ({ config, tags, refName }) => {
    const bytes = await cache.findConfig(config);
    if (bytes === undefined) throw missing(`the config ${config}`);
    return { ...createImage(bytes, tags), refName };
  });
  const records = new Map<DiffId, LayerRecord>();
  const diffIds = [...new Set(images.flatMap((image) => image.layers))];
  await mapWithLimit(diffIds, filesAtOnce, async (diffId) => {
    const record = await layers.findLayer(diffId);
    if (record !== undefined) records.set(diffId, record);
  });
  const assembled = await assembleBundle(images, profile.check, {
    findLayer: (diffId) => records.get(diffId),
    glueBlock: async (glue): Promise<BlockRecord> => {
      const record = await store.findBlock(contentKey(pieceOf(glue)));
      if (record?.uncompressedSize !== glue.length) throw missing('a block of tar headers');
      return record;
    },
  });
  const stamps = await store.stampBlocks(assembled.blocks);
  const missingCount = stamps.filter((stamp) => stamp === undefined).length;
  if (missingCount > 0) throw missing(`${missingCount} of its ${stamps.length} blocks`, missingCount);
  return openAssembledBundle(images, recipe, assembled, store);
}

function missing(what: string, count = 1): BundleError {
  const verb = count === 1 ? 'is' : 'are';
  return new BundleError('block-missing', `Cannot open the bundle: ${what} ${verb} not in the cache`, {
    hint: 'Build the bundle again from its images.',
  });
}
