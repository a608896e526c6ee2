/** Finds the listed images that references name. */
import { appendAll } from '../../../ground/long-lists.ts';
import { hexOf } from '../../../ground/digest.ts';
import { groupBy } from '../../../ground/group-by.ts';
import { BundleError } from '../../../ground/errors.ts';
import { imageNotFound } from '../../../image/image-not-found.ts';
import { familiarName, formatName, parseTaggedName, type Reference } from '../../../image/reference.ts';
import type { ImageDigests, ListedImage } from './listed-image.ts';

/** What of a listed image is needed to find it. */
export type SelectableImage = Pick<ListedImage, 'names' | 'refName' | 'findDigests' | 'noImage'>;

export interface SelectedImage<T extends SelectableImage = ListedImage> {
  readonly listed: T;
  /** The names it was asked for by. An image asked for by id or digest has none of that. */
  readonly tags: readonly string[];
  /** Whether a reference is of this one, and not a pattern or all that there is. */
  readonly isNamed: boolean;
}

/**
 * The images named, in the order of `references`, or all with all their names where it is empty. An image may come
 * several times. What is no image is found by its name or digest only. Throws image-not-found; invalid-reference where the
 * start of an id is that of several.
 */
export async function selectImages<T extends SelectableImage>(
  images: readonly T[],
  references: readonly Reference[],
  label: string,
): Promise<SelectedImage<T>[]> {
  const own = images.filter(({ noImage }) => noImage === undefined);
  if (references.length === 0) return own.map((listed) => ({ listed, tags: listed.names, isNamed: false }));
  const known = own.flatMap((image) => image.names);
  const named = new Map<string, T>();
  for (const image of images) for (const name of image.names) if (!named.has(name)) named.set(name, image);
  const unnamed = groupBy(
    images.filter(({ names }) => names.length === 0),
    ({ refName }) => refName,
  );
  const listDigests = listDigestsOnce(images);
  const findImages = async (reference: Reference): Promise<SelectedImage<T>[]> => {
    if (reference.kind === 'pattern') return findByPattern(own, reference);
    const found =
      reference.kind === 'name' ? findByName(named, reference) : findByDigest(await listDigests(), reference);
    if (found.length > 0) return found;
    return reference.kind === 'name' ? findByRefName(unnamed, reference) : findByOddName(named, reference);
  };
  const selected: SelectedImage<T>[] = [];
  for (const reference of references) {
    const found = await findImages(reference);
    if (found.length === 0) throw imageNotFound(reference, label, known, await listRefNames(images));
    appendAll(selected, found);
  }
  return selected;
}

function findByPattern<T extends SelectableImage>(
  images: readonly T[],
  { pattern }: Extract<Reference, { kind: 'pattern' }>,
): SelectedImage<T>[] {
  return images
    .map((listed) => {
      const tags = listed.names.filter((name) => pattern.matches(familiarName(name)));
      return { listed, tags, isNamed: false };
    })
    .filter(({ tags }) => tags.length > 0);
}

function findByName<T extends SelectableImage>(
  named: ReadonlyMap<string, T>,
  reference: Extract<Reference, { kind: 'name' }>,
): SelectedImage<T>[] {
  const name = formatName(reference);
  const listed = named.get(name);
  return listed === undefined ? [] : [{ listed, tags: [name], isNamed: true }];
}

/** What a layout calls `2.0` alone has no name in it, and gets none here: it is asked for by just that. */
function findByRefName<T extends SelectableImage>(
  unnamed: ReadonlyMap<string | undefined, readonly T[]>,
  { text }: Extract<Reference, { kind: 'name' }>,
): SelectedImage<T>[] {
  const [listed, ...others] = unnamed.get(text) ?? [];
  return listed === undefined || others.length > 0 ? [] : [{ listed, tags: [], isNamed: true }];
}

/** What looks like an id may be a name: that of a repository "sha256". */
function findByOddName<T extends SelectableImage>(
  named: ReadonlyMap<string, T>,
  { text, kind }: Extract<Reference, { kind: 'digest' | 'id' }>,
): SelectedImage<T>[] {
  return kind === 'id' && text.includes(':') ? findByName(named, parseTaggedName(text)) : [];
}

/** `2.0 (4f1c2a…)`, with the start of the id that --tag-as takes. */
async function listRefNames(images: readonly SelectableImage[]): Promise<string[]> {
  const listed: string[] = [];
  for (const { names, refName, findDigests } of images) {
    if (names.length > 0 || refName === undefined) continue;
    const { config } = await findDigests();
    listed.push(config === undefined ? refName : `${refName} (id ${hexOf(config).slice(0, 12)})`);
  }
  return listed;
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
  if (others.length === 0) return [{ listed, tags: [], isNamed: true }];
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
