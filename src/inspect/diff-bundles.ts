/** The difference of two bundles: images, bytes, and on request the files of every image that changed. */
import type { DiffId } from '../ground/digest.ts';
import type { BundleContents, ContentImage } from './contents/bundle-contents.ts';
import { compareFiles, type FileChange } from './contents/compare-files.ts';
import { compareImages, type ImageChange } from './contents/compare-images.ts';
import { createLayerLibrary } from './contents/layer-library.ts';
import type { FindLayer } from '../file/layer-bytes.ts';
import { measureNew, type NewBytes, type NewContents } from './contents/measure-new.ts';
import type { Comparand } from './find/open-comparand.ts';

export interface BundleDiff {
  readonly before: BundleContents;
  readonly after: BundleContents;
  readonly images: readonly ImageDiff[];
  /** What of `after` is not in `before`. */
  readonly added: NewContents;
  /** What of `before` is not in `after`. */
  readonly gone: NewContents;
}

export interface ImageDiff {
  readonly change: ImageChange;
  /** What of the image's layers is new to the bundle: shared layers count in each image. */
  readonly added: NewBytes;
  /** Of a rebuilt image, where files were asked for: in the order of their paths. */
  readonly files?: readonly FileChange[];
}

export interface DiffBundlesOptions {
  /** Whether to compare the files of rebuilt images. */
  readonly files?: boolean;
  readonly signal?: AbortSignal;
  /** Called with bytes of files' content that were read so far. */
  readonly onRead?: (done: number) => void;
}

/**
 * Compares `before` with `after`. Memory holds the paths of two images at a time, and no content. Throws layer-missing
 * where files are asked for and a layer cannot be read.
 */
export async function diffBundles(
  before: Comparand,
  after: Comparand,
  { files = false, signal, onRead }: DiffBundlesOptions = {},
): Promise<BundleDiff> {
  const added = measureNew(before.contents, after.contents);
  const changes = compareImages(before.contents.images, after.contents.images);
  let done = 0;
  const library = createLayerLibrary(findInBoth(before.findLayer, after.findLayer), {
    signal,
    onRead: (size) => onRead?.((done += size)),
  });
  const images: ImageDiff[] = [];
  const uses = countUses(changes);
  for (const change of changes) {
    const isCompared = files && change.kind === 'rebuilt';
    images.push({
      change,
      added: 'after' in change ? sumLayers(change.after, added) : { size: 0, storedSize: 0 },
      files: isCompared ? await compareFiles(library, change.before.layers, change.after.layers) : undefined,
    });
    if (!isCompared) continue;
    for (const diffId of layersOf(change)) {
      const left = (uses.get(diffId) ?? 0) - 1;
      uses.set(diffId, left);
      if (left === 0) library.forget(diffId);
    }
  }
  return {
    before: before.contents,
    after: after.contents,
    images,
    added,
    gone: measureNew(after.contents, before.contents),
  };
}

/** A layer at random access is preferred: a stream must be hashed whole. */
function findInBoth(first: FindLayer, second: FindLayer): FindLayer {
  return async (diffId) => {
    const found = await first(diffId);
    return found?.kind === 'random' ? found : ((await second(diffId)) ?? found);
  };
}

function sumLayers(image: ContentImage, { layers }: NewContents): NewBytes {
  const parts = [...new Set(image.layers)].map((diffId) => layers.get(diffId));
  const storedSizes = parts.map((part) => part?.storedSize);
  const isStoredKnown = storedSizes.every((size) => size !== undefined);
  return {
    size: parts.reduce((sum, part) => sum + (part?.size ?? 0), 0),
    storedSize: isStoredKnown ? storedSizes.reduce((sum, size) => sum + size, 0) : undefined,
  };
}

/** How many rebuilt images have each layer, before or after. */
function countUses(changes: readonly ImageChange[]): Map<DiffId, number> {
  const uses = new Map<DiffId, number>();
  for (const diffId of changes.flatMap(layersOf)) uses.set(diffId, (uses.get(diffId) ?? 0) + 1);
  return uses;
}

function layersOf(change: ImageChange): DiffId[] {
  if (change.kind !== 'rebuilt') return [];
  return [...new Set([...change.before.layers, ...change.after.layers])];
}
