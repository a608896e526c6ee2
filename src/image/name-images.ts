/** The images of a bundle in a few words, for tables. */
import { hexOf } from '../ground/digest.ts';
import type { Image } from './image.ts';
import { familiarName } from './reference.ts';

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
