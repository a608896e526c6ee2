/** The error for an image that a source does not have. */
import { BundleError } from '../ground/errors.ts';
import { parsePattern, splitFamiliar } from './name-pattern.ts';
import { findNearMisses } from './near-misses.ts';
import { familiarName, type Reference } from './reference.ts';

const listedCount = 5;

/**
 * Says which image `place` (`archive "images.tar"`) does not have, and which of its `known` names may have been meant:
 * near misses, or some of the names there are. `tags` are what it calls images by that have no name: `2.0 (id 4f1c…)`.
 */
export function imageNotFound(
  reference: Reference,
  place: string,
  known: readonly string[],
  tags: readonly string[] = [],
): BundleError {
  const fault = reference.kind === 'pattern' ? 'has no image with such a name' : 'does not have it';
  return new BundleError('image-not-found', `Cannot find image "${reference.text}": ${place} ${fault}`, {
    hint: [
      ...(known.length > 0 || tags.length === 0 ? [describeNames(reference, known)] : []),
      ...describeTags(tags),
    ].join('\n'),
  });
}

function describeTags(tags: readonly string[]): string[] {
  if (tags.length === 0) return [];
  const more = tags.length > listedCount ? ` and ${tags.length - listedCount} more` : '';
  return [
    `It has images with a tag and no name: ${tags.slice(0, listedCount).join(', ')}${more}.`,
    'Take one by its tag or id, and name it: --tag-as ID=NAME:TAG',
  ];
}

function describeNames(reference: Reference, known: readonly string[]): string {
  if (known.length === 0) return 'Its images have no names.';
  const near = findNear(reference, known);
  if (near.length > 0) return `Did you mean ${near.join(', ')}?`;
  const names = [...new Set(known.map((name) => familiarName(name)))].sort();
  const more = names.length > listedCount ? ` and ${names.length - listedCount} more` : '';
  return `It has ${names.slice(0, listedCount).join(', ')}${more}.`;
}

function findNear(reference: Reference, known: readonly string[]): string[] {
  if (reference.kind === 'name') return findNearMisses(`${reference.repository}:${reference.tag}`, known);
  return reference.kind === 'pattern' ? findNearPattern(reference.text, known) : [];
}

/** Other tags of the repositories that the pattern means, or names that are written like it. */
function findNearPattern(text: string, known: readonly string[]): string[] {
  const { repository, tag } = splitFamiliar(familiarName(text));
  // A colon may stand in a class, and then the tag does not begin there.
  if (/\[[^\]]*$|\\$/.test(repository)) return findNearMisses(text, known);
  const pattern = parsePattern(repository);
  const others = known.map((name) => familiarName(name)).filter((name) => pattern.matches(name));
  if (tag === undefined || others.length === 0) return findNearMisses(text, known);
  return [...new Set(others)].sort().slice(0, listedCount);
}
