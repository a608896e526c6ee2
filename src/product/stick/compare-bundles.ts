/** What changed from one bundle to the next, by their descriptions alone. */
import { pairInOrder } from '../../image/pair-in-order.ts';
import type { BundleDescription } from '../../bundle/description.ts';

export type ImageDescription = BundleDescription['images'][number];

/** One image of either bundle, and what became of it. `newSize`: bytes of the archive in layers that the old bundle had not. */
export type ImageChange =
  | { readonly kind: 'added'; readonly image: ImageDescription; readonly newSize: number }
  /** Has another config under the same name, or, where that name is gone, under another tag of its repository. */
  | {
      readonly kind: 'rebuilt';
      readonly image: ImageDescription;
      readonly before: ImageDescription;
      readonly newSize: number;
    }
  /** The same config under other names. */
  | { readonly kind: 'retagged'; readonly image: ImageDescription; readonly before: ImageDescription }
  | { readonly kind: 'same'; readonly image: ImageDescription }
  | { readonly kind: 'removed'; readonly before: ImageDescription };

export interface BundleComparison {
  /** The images of the new bundle in its order, then those that were removed, in the order of the old one. */
  readonly changes: readonly ImageChange[];
  /** diffIds of layers that the old bundle had not, and how many bytes they take in the archive. */
  readonly newLayers: ReadonlySet<string>;
  readonly newSize: number;
  /** Bytes that layers took in the old archive which the new one has not. */
  readonly goneSize: number;
}

/** Compares two bundles. Each image of the old one stands for at most one of the new. */
export function compareBundles(before: BundleDescription, after: BundleDescription): BundleComparison {
  const oldLayers = new Set(before.layers.map(({ diffId }) => diffId));
  const keptLayers = new Set(after.layers.map(({ diffId }) => diffId));
  const storedSizes = new Map(after.layers.map(({ diffId, storedSize }) => [diffId, storedSize]));
  const newLayers = new Set(after.layers.map(({ diffId }) => diffId).filter((id) => !oldLayers.has(id)));
  const sizeOfNew = (layers: Iterable<string>): number =>
    [...new Set(layers)].reduce((sum, id) => sum + (newLayers.has(id) ? (storedSizes.get(id) ?? 0) : 0), 0);
  const partners = pairImages(before.images, after.images);
  const changes = after.images.map((image): ImageChange => {
    const partner = partners.get(image);
    if (partner === undefined) return { kind: 'added', image, newSize: sizeOfNew(image.layers) };
    if (partner.id !== image.id) {
      return { kind: 'rebuilt', image, before: partner, newSize: sizeOfNew(image.layers) };
    }
    return hasSameNames(partner, image)
      ? { kind: 'same', image }
      : { kind: 'retagged', image, before: partner };
  });
  const paired = new Set(partners.values());
  const removed = before.images.filter((image) => !paired.has(image));
  return {
    changes: [...changes, ...removed.map((image): ImageChange => ({ kind: 'removed', before: image }))],
    newLayers,
    newSize: sizeOfNew(newLayers),
    goneSize: before.layers.reduce(
      (sum, { diffId, storedSize }) => sum + (keptLayers.has(diffId) ? 0 : storedSize),
      0,
    ),
  };
}

/** For images of the new bundle, the old image that each comes from: the same config, else a name, else a repository in common. */
function pairImages(
  before: readonly ImageDescription[],
  after: readonly ImageDescription[],
): Map<ImageDescription, ImageDescription> {
  const pairs = new Map<ImageDescription, ImageDescription>();
  const left = new Set(before);
  const keysOf: ((image: ImageDescription) => readonly string[])[] = [
    ({ id }) => [id],
    ({ names }) => names,
    ({ names }) => names.map(repositoryOf),
  ];
  for (const keys of keysOf) {
    const open = after.filter((image) => !pairs.has(image));
    for (const [image, partner] of pairInOrder(left, open, keys)) {
      pairs.set(image, partner);
      left.delete(partner);
    }
  }
  return pairs;
}

function repositoryOf(name: string): string {
  return name.slice(0, name.lastIndexOf(':'));
}

function hasSameNames(a: ImageDescription, b: ImageDescription): boolean {
  const names = new Set(b.names);
  return a.names.length === b.names.length && a.names.every((name) => names.has(name));
}
