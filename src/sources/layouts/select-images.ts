/** Finds the listed images that references name. */
import { hexOf } from '../../digest.ts';
import { BundleError } from '../../errors.ts';
import { imageNotFound } from '../../image/image-not-found.ts';
import { familiarName, formatName, type Reference } from '../../image/reference.ts';
import type { ImageDigests, ListedImage } from './listed-image.ts';

/** What of a listed image is needed to find it. */
export type SelectableImage = Pick<ListedImage, 'names' | 'findDigests' | 'noImage'>;

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
  const selected: SelectedImage<T>[] = [];
  for (const reference of references) {
    const found =
      reference.kind === 'pattern' ? findByPattern(own, reference) : await findByReference(images, reference);
    if (found.length === 0) throw imageNotFound(reference, label, known);
    selected.push(...found);
  }
  return selected;
}

async function findByReference<T extends SelectableImage>(
  images: readonly T[],
  reference: Exclude<Reference, { kind: 'pattern' }>,
): Promise<SelectedImage<T>[]> {
  const found =
    reference.kind === 'name' ? findByName(images, reference) : await findByDigest(images, reference);
  return found === undefined ? [] : [found];
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
  images: readonly T[],
  reference: Extract<Reference, { kind: 'name' }>,
): SelectedImage<T> | undefined {
  const name = formatName(reference);
  const listed = images.find((image) => image.names.includes(name));
  return listed && { listed, tags: [name], isNamed: true };
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
  if (others.length === 0) return { listed, tags: [], isNamed: true };
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
