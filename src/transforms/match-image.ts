/** Which images a transform means, and how those are called that are made of them. */
import { hexOf } from '../ground/digest.ts';
import type { Image } from '../image/image.ts';
import { isPatternText } from '../image/name-pattern.ts';
import {
  familiarName,
  formatName,
  normaliseTag,
  parseReference,
  type Reference,
} from '../image/reference.ts';
import { parseTagRule } from '../image/tag-rules.ts';
import type { Transform } from './transform.ts';

/** Names that an image loses to the one that is made of it, and those that that one gets. */
export interface TakenNames {
  readonly taken: readonly string[];
  readonly given: readonly string[];
}

/** A function that tells the names where an image is meant by a transform. Throws invalid-reference, invalid-argument. */
export function createMatcher({
  image,
  as,
}: Pick<Transform, 'image' | 'as'>): (found: Image) => TakenNames | undefined {
  if (image === undefined) {
    const name = as === undefined ? undefined : normaliseTag(as);
    return ({ tags }) => ({ taken: tags, given: name === undefined ? tags : [name] });
  }
  const reference = parseReference(image);
  const rename = createRename(image, as);
  return (found) => {
    if (!isMeant(found, reference)) return undefined;
    const taken = found.tags.filter((tag) => reference.kind === 'id' || isCalled(tag, reference));
    const given = taken.length === 0 && as !== undefined ? [normaliseTag(as)] : taken.map(rename);
    return { taken, given: [...new Set(given)].sort() };
  };
}

/** Whether `reference` means `image`, by a name or by its id. */
export function isMeant(image: Image, reference: Reference): boolean {
  if (reference.kind === 'id') return hexOf(image.configDigest).startsWith(reference.idPrefix);
  return image.tags.some((tag) => isCalled(tag, reference));
}

function isCalled(tag: string, reference: Reference): boolean {
  if (reference.kind === 'name') return tag === formatName(reference);
  return reference.kind === 'pattern' && reference.pattern.matches(familiarName(tag));
}

function createRename(image: string, as: string | undefined): (tag: string) => string {
  if (as === undefined) return (tag) => tag;
  if (!isPatternText(image)) {
    const name = normaliseTag(as);
    return () => name;
  }
  const rule = parseTagRule(`${image}=${as}`);
  return (tag) => rule.rename(familiarName(tag)) ?? tag;
}
