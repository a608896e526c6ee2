/** Finds the listed images that references name. */
import { appendAll } from '../../long-lists.ts';
import { hexOf } from '../../digest.ts';
import { groupBy } from '../../group-by.ts';
import { BundleError } from '../../errors.ts';
import { imageNotFound } from '../../image/image-not-found.ts';
import { familiarName, formatName, type Reference } from '../../image/reference.ts';
import type { ImageDigests, ListedImage } from './listed-image.ts';

/** What of a listed image is needed to find it. */
export type SelectableImage = Pick<ListedImage, 'names' | 'findDigests'>;

export interface SelectedImage<T extends SelectableImage = ListedImage> {
  readonly listed: T;
  /** The names it was asked for by. An image asked for by id or digest has none of that. */
  readonly tags: readonly string[];
}

/**
 * The images named, in the order of `references`, or all with all their names where it is empty. An image may come
 * several times. Throws image-not-found; invalid-reference where the start of an id is that of several.
 */
export async function selectImages<T extends SelectableImage>(
  images: readonly T[],
  references: readonly Reference[],
  label: string,
): Promise<SelectedImage<T>[]> {
  if (references.length === 0) return images.map((listed) => ({ listed, tags: listed.names }));
  const known = images.flatMap((image) => image.names);
  const named = new Map<string, T>();
  for (const image of images) for (const name of image.names) if (!named.has(name)) named.set(name, image);
  const listDigests = listDigestsOnce(images);
  const selected: SelectedImage<T>[] = [];
  for (const reference of references) {
    const found =
      reference.kind === 'pattern'
        ? findByPattern(images, reference)
        : reference.kind === 'name'
          ? findByName(named, reference)
          : findByDigest(await listDigests(), reference);
    if (found.length === 0) throw imageNotFound(reference, label, known);
    appendAll(selected, found);
  }
  return selected;
}

function findByPattern<T extends SelectableImage>(
  images: readonly T[],
  { pattern }: Extract<Reference, { kind: 'pattern' }>,
): SelectedImage<T>[] {
  return images
    .map((listed) => ({ listed, tags: listed.names.filter((name) => pattern.matches(familiarName(name))) }))
    .filter(({ tags }) => tags.length > 0);
}

function findByName<T extends SelectableImage>(
  named: ReadonlyMap<string, T>,
  reference: Extract<Reference, { kind: 'name' }>,
): SelectedImage<T>[] {
  const name = formatName(reference);
  const listed = named.get(name);
  return listed === undefined ? [] : [{ listed, tags: [name] }];
}

interface IdentifiedImage<T> {
  readonly listed: T;
  readonly digests: ImageDigests;
}

/** All images by their digests, in hexadecimal and sorted, so that those with one start are neighbours. */
interface DigestList<T> {
  readonly hexes: readonly string[];
  readonly images: ReadonlyMap<string, readonly IdentifiedImage<T>[]>;
}

/** Documents are read for it: once, for the first reference that asks. */
function listDigestsOnce<T extends SelectableImage>(images: readonly T[]): () => Promise<DigestList<T>> {
  const list = async (): Promise<DigestList<T>> => {
    const entries: (IdentifiedImage<T> & { readonly hex: string })[] = [];
    for (const listed of images) {
      const digests = await listed.findDigests();
      const all = digests.config === undefined ? digests.manifests : [digests.config, ...digests.manifests];
      for (const digest of new Set(all)) entries.push({ hex: hexOf(digest), listed, digests });
    }
    const byHex = groupBy(entries, ({ hex }) => hex);
    return { hexes: [...byHex.keys()].sort(), images: byHex };
  };
  let listing: Promise<DigestList<T>> | undefined;
  return () => (listing ??= list());
}

function findByDigest<T extends SelectableImage>(
  list: DigestList<T>,
  reference: Extract<Reference, { kind: 'digest' | 'id' }>,
): SelectedImage<T>[] {
  const found = new Map<string, T>();
  for (const { listed, digests } of findByHex(list, reference)) {
    found.set(digests.config ?? digests.manifests[0] ?? '', listed);
  }
  const [listed, ...others] = found.values();
  if (listed === undefined) return [];
  if (others.length === 0) return [{ listed, tags: [] }];
  throw new BundleError(
    'invalid-reference',
    `Cannot choose image "${reference.text}": ${found.size} images have ids that start like this`,
    { hint: `They are ${[...found.keys()].join(', ')}.` },
  );
}

function findByHex<T extends SelectableImage>(
  { hexes, images }: DigestList<T>,
  reference: Extract<Reference, { kind: 'digest' | 'id' }>,
): IdentifiedImage<T>[] {
  if (reference.kind === 'digest') {
    return (images.get(hexOf(reference.digest)) ?? []).filter(({ listed: { names } }) => {
      // An image that was saved by its digest has no name to compare.
      return names.length === 0 || names.some((name) => name.startsWith(`${reference.repository}:`));
    });
  }
  const found: IdentifiedImage<T>[] = [];
  for (let index = findStart(hexes, reference.idPrefix); index < hexes.length; index += 1) {
    const hex = hexes[index] ?? '';
    if (!hex.startsWith(reference.idPrefix)) break;
    appendAll(found, images.get(hex) ?? []);
  }
  return found;
}

/** The position of the first of `sorted` that is not before `text`. */
function findStart(sorted: readonly string[], text: string): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? '') < text) low = middle + 1;
    else high = middle;
  }
  return low;
}
