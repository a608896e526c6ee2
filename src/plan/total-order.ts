/** The one order of images and layers in a bundle, whatever order they came in. */
import { groupBy } from '../ground/group-by.ts';
import { largestOf } from '../ground/long-lists.ts';
import type { DiffId } from '../ground/digest.ts';
import type { Image } from '../image/image.ts';

/** Compares by UTF-16 code units: the same on every host, unlike localeCompare. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * The images by their first tag, untagged ones last by config digest. Images with one config are one image with
 * the tags of both; tags come sorted, each once.
 */
export function orderImages(images: readonly Image[]): Image[] {
  const merged = [...groupBy(images, (image) => image.configDigest).values()].map((same): Image => {
    const tags = new Set(same.flatMap((image) => image.tags));
    return { ...same[0], tags: [...tags].sort(compareText) };
  });
  return merged.sort(
    (a, b) => compareTags(a.tags[0], b.tags[0]) || compareText(a.configDigest, b.configDigest),
  );
}

function compareTags(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  return compareText(a, b);
}

/**
 * Every layer of `images` once: by its lowest depth in any chain, then by the first image that has it there. What is
 * shared and changes seldom comes first, so that two generations of a bundle start with the same bytes.
 */
export function orderLayers(images: readonly Image[]): DiffId[] {
  const depth = largestOf(
    images.map((image) => image.layers.length),
    0,
  );
  const seen = new Set<DiffId>();
  for (let level = 0; level < depth; level += 1) {
    for (const image of images) {
      const diffId = image.layers[level];
      if (diffId !== undefined) seen.add(diffId);
    }
  }
  return [...seen];
}
