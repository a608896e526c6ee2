/** Which images of one bundle are those of another: by what they are, by what they are called, by what they are made of. */
import type { DiffId } from '../../ground/digest.ts';
import { groupBy } from '../../ground/group-by.ts';
import { pairInOrder } from '../../image/pair-in-order.ts';
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
  for (const findPairs of [pairById, pairByName, pairByLayers, pairByRepository]) {
    const open = after.filter((image) => !pairs.has(image));
    for (const [b, a] of findPairs([...left], open)) {
      pairs.set(b, a);
      left.delete(a);
    }
  }
  return [
    ...after.map((image) => describeChange(pairs.get(image), image)),
    ...before
      .filter((image) => left.has(image))
      .map((image) => ({ kind: 'removed', before: image }) as const),
  ];
}

/** For images of `after`, those of `before`. */
type FindPairs = (
  before: readonly ContentImage[],
  after: readonly ContentImage[],
) => ReadonlyMap<ContentImage, ContentImage>;

const pairById: FindPairs = (before, after) => pairInOrder(before, after, ({ id }) => [id]);
const pairByName: FindPairs = (before, after) => pairInOrder(before, after, ({ names }) => names);
const pairByRepository: FindPairs = (before, after) => pairInOrder(before, after, repositoriesOf);

/** A layer that more images of one repository have than this tells none of them from the others. */
const mostBearers = 64;

/** Images of one repository with layers in common, most of them first. */
const pairByLayers: FindPairs = (before, after) => {
  const positions = new Map([...before, ...after].map((image, position) => [image, position]));
  const positionOf = (image: ContentImage): number => positions.get(image) ?? 0;
  const bearers = groupBy(before.flatMap(listUses), ({ key }) => key);
  const candidates = new Map<ContentImage, Map<ContentImage, Set<DiffId>>>();
  for (const [key, uses] of groupBy(after.flatMap(listUses), (use) => use.key)) {
    const old = bearers.get(key);
    if (old === undefined || old.length > mostBearers || uses.length > mostBearers) continue;
    for (const { image: a } of old) {
      const shared = candidates.get(a) ?? new Map<ContentImage, Set<DiffId>>();
      candidates.set(a, shared);
      for (const { image: b, layer } of uses) shared.set(b, (shared.get(b) ?? new Set()).add(layer));
    }
  }
  const ranked = [...candidates].flatMap(([a, others]) =>
    [...others].map(([b, layers]) => ({ a, b, count: layers.size })),
  );
  ranked.sort(
    (x, y) => y.count - x.count || positionOf(x.a) - positionOf(y.a) || positionOf(x.b) - positionOf(y.b),
  );
  const pairs = new Map<ContentImage, ContentImage>();
  const taken = new Set<ContentImage>();
  for (const { a, b } of ranked) {
    if (taken.has(a) || pairs.has(b)) continue;
    pairs.set(b, a);
    taken.add(a);
  }
  return pairs;
};

interface LayerUse {
  readonly image: ContentImage;
  readonly layer: DiffId;
  /** Of the layer in a repository of the image. */
  readonly key: string;
}

function listUses(image: ContentImage): LayerUse[] {
  return repositoriesOf(image).flatMap((repository) =>
    [...new Set(image.layers)].map((layer) => ({ image, layer, key: `${repository} ${layer}` })),
  );
}

function repositoriesOf({ names }: ContentImage): string[] {
  return [...new Set(names.map((name) => name.slice(0, name.lastIndexOf(':'))))];
}

function describeChange(before: ContentImage | undefined, after: ContentImage): ImageChange {
  if (before === undefined) return { kind: 'added', after };
  if (before.id === after.id) {
    const isSame = before.names.length === after.names.length && hasAll(after.names, before.names);
    return { kind: isSame ? 'same' : 'retagged', before, after };
  }
  const missing = (from: ContentImage, to: ContentImage): DiffId[] => {
    const known = new Set(from.layers);
    return [...new Set(to.layers.filter((layer) => !known.has(layer)))];
  };
  return {
    kind: 'rebuilt',
    before,
    after,
    newLayers: missing(before, after),
    goneLayers: missing(after, before),
  };
}

function hasAll(names: readonly string[], wanted: readonly string[]): boolean {
  const known = new Set(names);
  return wanted.every((name) => known.has(name));
}
