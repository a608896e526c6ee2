/** How images are called in messages about what is made of them. */
import type { Image } from '../image/image.ts';
import { familiarName } from '../image/reference.ts';

/** `"shop/web:1"`, or by its id where it has no name. */
export function describeSource({ tags, configDigest }: Image): string {
  return `"${tags[0] === undefined ? configDigest : familiarName(tags[0])}"`;
}
