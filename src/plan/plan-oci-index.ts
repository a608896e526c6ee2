/** Plans the index.json of an OCI layout that has images under names of their own. */
import type { Digest } from '../ground/digest.ts';
import type { Image } from '../image/image.ts';
import { readImagePlatform } from '../image/image-config.ts';
import { familiarName } from '../image/reference.ts';

interface SizedDigest {
  readonly digest: Digest;
  readonly size: number;
}

/**
 * The index of `images`, which are in the order of the bundle. An image has a descriptor for each name by which it may
 * be asked for (`org.opencontainers.image.ref.name`): `shop/web:1`, as docker shows it; `docker.io/shop/web:1`; and the
 * tag alone where no other image has it. The index of a bundle has tags alone, as docker writes it, and there `1` may
 * be anybody's. An image without a name has one descriptor without annotations.
 */
export function planOciIndex(
  images: readonly Image[],
  manifestOf: (image: Image) => SizedDigest,
): Uint8Array {
  const owners = countOwners(images);
  const manifests = images.flatMap((image) => {
    const descriptor = { mediaType: 'application/vnd.oci.image.manifest.v1+json', ...manifestOf(image) };
    const platform = readImagePlatform(image.config);
    if (image.tags.length === 0) return [{ ...descriptor, platform }];
    return listNames(image, owners).map(([name, tag]) => ({
      ...descriptor,
      annotations: { 'io.containerd.image.name': tag, 'org.opencontainers.image.ref.name': name },
      platform,
    }));
  });
  const index = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests,
  };
  return Buffer.from(JSON.stringify(index));
}

/** Pairs of a name to ask by and the image's whole name; each name once. */
function listNames(image: Image, owners: ReadonlyMap<string, number>): [string, string][] {
  const names = new Map<string, string>();
  for (const tag of image.tags) {
    names.set(familiarName(tag), tag);
    names.set(tag, tag);
  }
  for (const tag of image.tags) {
    const word = lastWord(tag);
    if (owners.get(word) === 1 && !names.has(word)) names.set(word, tag);
  }
  return [...names];
}

/** How many images have a tag, by the tag alone. */
function countOwners(images: readonly Image[]): Map<string, number> {
  const owners = new Map<string, number>();
  for (const image of images) {
    for (const word of new Set(image.tags.map(lastWord))) owners.set(word, (owners.get(word) ?? 0) + 1);
  }
  return owners;
}

function lastWord(name: string): string {
  return name.slice(name.lastIndexOf(':') + 1);
}
