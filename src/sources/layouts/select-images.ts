/** Finds the listed images that references name. */
import { hexOf } from '../../digest.ts';
import { BundleError } from '../../errors.ts';
import { imageNotFound } from '../../image/image-not-found.ts';
import { familiarName, formatName, parseTaggedName, type Reference } from '../../image/reference.ts';
import type { ImageDigests, ListedImage } from './listed-image.ts';

/** What of a listed image is needed to find it. */
export type SelectableImage = Pick<ListedImage, 'names' | 'unreadableNames' | 'refName' | 'findDigests'>;

export interface SelectedImage<T extends SelectableImage = ListedImage> {
  readonly listed: T;
  /** The names it was asked for by. An image asked for by id or digest has none of that. */
  readonly tags: readonly string[];
}

/**
 * The images named, in the order of `references`, or all with all their names where it is empty. An image may come
 * several times. Throws image-not-found; invalid-reference where the start of an id is that of several; archive-corrupt
 * where all are meant and one has a name that is none.
 */
export async function selectImages<T extends SelectableImage>(
  images: readonly T[],
  references: readonly Reference[],
  label: string,
): Promise<SelectedImage<T>[]> {
  if (references.length === 0) {
    for (const { unreadableNames: [name] = [] } of images)
      if (name !== undefined) throw unreadable(name, label);
    return images.map((listed) => ({ listed, tags: listed.names }));
  }
  const known = images.flatMap((image) => image.names);
  const selected: SelectedImage<T>[] = [];
  for (const reference of references) {
    const found = await findImages(images, reference);
    if (found.length === 0) throw imageNotFound(reference, label, known, await listRefNames(images));
    selected.push(...found);
  }
  return selected;
}

async function findImages<T extends SelectableImage>(
  images: readonly T[],
  reference: Reference,
): Promise<SelectedImage<T>[]> {
  if (reference.kind === 'pattern') return findByPattern(images, reference);
  const found =
    reference.kind === 'name'
      ? (findByName(images, reference) ?? findByRefName(images, reference))
      : ((await findByDigest(images, reference)) ?? findByOddName(images, reference));
  return found === undefined ? [] : [found];
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
  images: readonly T[],
  reference: Extract<Reference, { kind: 'name' }>,
): SelectedImage<T> | undefined {
  const name = formatName(reference);
  const listed = images.find((image) => image.names.includes(name));
  return listed && { listed, tags: [name] };
}

/** What a layout calls `2.0` alone has no name in it, and gets none here: it is asked for by just that. */
function findByRefName<T extends SelectableImage>(
  images: readonly T[],
  { text }: Extract<Reference, { kind: 'name' }>,
): SelectedImage<T> | undefined {
  const [listed, ...others] = images.filter(({ names, refName }) => names.length === 0 && refName === text);
  return listed === undefined || others.length > 0 ? undefined : { listed, tags: [] };
}

/** What looks like an id may be a name: that of a repository "sha256". */
function findByOddName<T extends SelectableImage>(
  images: readonly T[],
  { text, kind }: Extract<Reference, { kind: 'digest' | 'id' }>,
): SelectedImage<T> | undefined {
  return kind === 'id' && text.includes(':') ? findByName(images, parseTaggedName(text)) : undefined;
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

function unreadable(name: string, label: string): BundleError {
  return new BundleError(
    'archive-corrupt',
    `Cannot take all images of ${label}: "${name}" is no image name`,
    {
      hint: 'Name the images that you want; this one can be taken by its id.',
    },
  );
}

async function findByDigest<T extends SelectableImage>(
  images: readonly T[],
  reference: Extract<Reference, { kind: 'digest' | 'id' }>,
): Promise<SelectedImage<T> | undefined> {
  const found = new Map<string, T>();
  for (const listed of images) {
    const digests = await listed.findDigests();
    if (matches(reference, listed, digests)) found.set(digests.config ?? digests.manifests[0] ?? '', listed);
  }
  const [listed, ...others] = found.values();
  if (listed === undefined) return undefined;
  if (others.length === 0) return { listed, tags: [] };
  throw new BundleError(
    'invalid-reference',
    `Cannot choose image "${reference.text}": ${found.size} images have ids that start like this`,
    { hint: `They are ${[...found.keys()].join(', ')}.` },
  );
}

function matches(
  reference: Extract<Reference, { kind: 'digest' | 'id' }>,
  { names }: SelectableImage,
  { config, manifests }: ImageDigests,
): boolean {
  const digests = config === undefined ? manifests : [config, ...manifests];
  if (reference.kind === 'id') return digests.some((digest) => hexOf(digest).startsWith(reference.idPrefix));
  // An image that was saved by its digest has no name to compare.
  const isNamed = names.length === 0 || names.some((name) => name.startsWith(`${reference.repository}:`));
  return isNamed && digests.includes(reference.digest);
}
