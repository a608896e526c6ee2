/** Which images of one bundle are those of another: by what they are, by what they are called, by what they are made of. */
import type { DiffId } from '../digest.ts';
import type { ContentImage } from './bundle-contents.ts';

export type ImageChange =
  | { readonly kind: 'same'; readonly before: ContentImage; readonly after: ContentImage }
  /** The same config under other names. */
  | { readonly kind: 'retagged'; readonly before: ContentImage; readonly after: ContentImage }
  /** Another config under the same name, or under another tag of the same repository. */
  | {
      readonly kind: 'rebuilt';
      readonly before: ContentImage;
      readonly after: ContentImage;
      /** Layers of `after` that `before` does not have, from the lowest up. None where only the config changed. */
      readonly newLayers: readonly DiffId[];
      readonly goneLayers: readonly DiffId[];
    }
  | { readonly kind: 'added'; readonly after: ContentImage }
  | { readonly kind: 'removed'; readonly before: ContentImage };

/**
 * Every image of both, each once: those of `after` in their order, then the removed ones. Images of one config belong
 * together; of the others those with a name in common; then those with a repository in common, most shared layers first.
 */
export function compareImages(
  before: readonly ContentImage[],
  after: readonly ContentImage[],
): ImageChange[] {
  const pairs = new Map<ContentImage, ContentImage>();
  const left = new Set(before);
  const pair = (a: ContentImage | undefined, b: ContentImage): void => {
    if (a === undefined) return;
    pairs.set(b, a);
    left.delete(a);
  };
  const open = (): ContentImage[] => after.filter((image) => !pairs.has(image));
  for (const image of after)
    pair(
      [...left].find((one) => one.id === image.id),
      image,
    );
  for (const image of open()) {
    pair(
      [...left].find((one) => one.names.some((name) => image.names.includes(name))),
      image,
    );
  }
  for (const [a, b] of rankByLayers(left, open())) if (left.has(a) && !pairs.has(b)) pair(a, b);
  return [
    ...after.map((image) => describeChange(pairs.get(image), image)),
    ...before
      .filter((image) => left.has(image))
      .map((image) => ({ kind: 'removed', before: image }) as const),
  ];
}

/** Pairs of one repository, those with most layers in common first. */
function rankByLayers(
  before: Iterable<ContentImage>,
  after: readonly ContentImage[],
): [ContentImage, ContentImage][] {
  const pairs = [...before].flatMap((a) =>
    after.filter((b) => hasSameRepository(a, b)).map((b): [ContentImage, ContentImage] => [a, b]),
  );
  return pairs.sort(([a, b], [c, d]) => countShared(c, d) - countShared(a, b));
}

function hasSameRepository(a: ContentImage, b: ContentImage): boolean {
  const repositories = new Set(a.names.map(repositoryOf));
  return b.names.some((name) => repositories.has(repositoryOf(name)));
}

function repositoryOf(name: string): string {
  return name.slice(0, name.lastIndexOf(':'));
}

function countShared(a: ContentImage, b: ContentImage): number {
  return b.layers.filter((layer) => a.layers.includes(layer)).length;
}

function describeChange(before: ContentImage | undefined, after: ContentImage): ImageChange {
  if (before === undefined) return { kind: 'added', after };
  if (before.id === after.id) {
    const isSame =
      before.names.length === after.names.length && before.names.every((name) => after.names.includes(name));
    return { kind: isSame ? 'same' : 'retagged', before, after };
  }
  const missing = (from: ContentImage, to: ContentImage): DiffId[] => [
    ...new Set(to.layers.filter((layer) => !from.layers.includes(layer))),
  ];
  return {
    kind: 'rebuilt',
    before,
    after,
    newLayers: missing(before, after),
    goneLayers: missing(after, before),
  };
}
