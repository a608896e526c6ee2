/** What an image is to bundlefs: its exact config bytes, its ordered layers, its tags. */
import { type DiffId, type Digest, digestOf, hexOf } from '../ground/digest.ts';
import { familiarName, normaliseTag } from './reference.ts';
import { parseImageConfig } from './image-config.ts';

export interface Image {
  /** sha256 of `config`: the image id on engines with graph drivers. */
  readonly configDigest: Digest;
  /** The config blob, byte for byte as the source has it. */
  readonly config: Uint8Array;
  /** The layers from the lowest up, equal to the config's rootfs.diff_ids. May be empty, may repeat. */
  readonly layers: readonly DiffId[];
  /** Fully qualified names with a tag (`docker.io/library/app:2`), sorted, each once. Empty for an untagged image. */
  readonly tags: readonly string[];
  /** Of an untagged image: what its source calls it, a tag without a repository (`2.0`), so that people can tell it from others. */
  readonly refName?: string | undefined;
}

export interface ImageDescription {
  /** Short names, as docker shows them. */
  readonly names: readonly string[];
  /** The config digest: the image id on engines with graph drivers. */
  readonly id: Digest;
  readonly layers: readonly DiffId[];
}

export function describeImages(images: readonly Image[]): ImageDescription[] {
  return images.map(({ tags, configDigest, layers }) => ({
    names: tags.map((tag) => familiarName(tag)),
    id: configDigest,
    layers,
  }));
}

/** `shop/web:1 and 6 more`, by the first tag of the first images. */
export function nameImages(images: readonly { readonly tags: readonly string[] }[]): string {
  const first = images.flatMap(({ tags }) => tags.slice(0, 1))[0];
  const name = first === undefined ? 'an image without a tag' : familiarName(first);
  return images.length > 1 ? `${name} and ${images.length - 1} more` : name;
}

/** `shop/web:1`, or the start of its id where it has no tag. */
export function nameImage({ tags, configDigest }: Pick<Image, 'tags' | 'configDigest'>): string {
  return tags[0] === undefined ? hexOf(configDigest).slice(0, 12) : familiarName(tags[0]);
}

/**
 * The image with this config, which is checked, and these tags in whatever form. `what` names the config in messages.
 * Throws config-corrupt, image-unsupported, invalid-reference.
 */
export function createImage(config: Uint8Array, tags: readonly string[], what?: string): Image {
  const configDigest = digestOf(config);
  const names = [...new Set(tags.map((tag) => normaliseTag(tag)))].sort();
  const label = what ?? `the config of ${describeImage({ configDigest, tags: names })}`;
  return { configDigest, config, layers: parseImageConfig(config, label).diffIds, tags: names };
}

/** The image's short names, or the start of its config digest where it has none. */
export function describeImage(image: Pick<Image, 'tags' | 'configDigest'>): string {
  if (image.tags.length === 0) return hexOf(image.configDigest).slice(0, 12);
  return image.tags.map((tag) => familiarName(tag)).join(', ');
}
