/** What a person calls an image. */
import { hexOf } from '../ground/digest.ts';
import type { Image } from './image.ts';
import { familiarName } from './reference.ts';

/** The image's short names, or the start of its config digest where it has none. */
export function describeImage(image: Pick<Image, 'tags' | 'configDigest'>): string {
  if (image.tags.length === 0) return hexOf(image.configDigest).slice(0, 12);
  return image.tags.map((tag) => familiarName(tag)).join(', ');
}
