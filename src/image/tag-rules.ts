/** Other names for images in a bundle than they have at their source: the rules of `--tag-as`. */
import { hexOf } from '../ground/digest.ts';
import { BundleError } from '../ground/errors.ts';
import type { Image } from './image.ts';
import { compilePattern, isPatternText, splitFamiliar } from './name-pattern.ts';
import { findNearMisses } from './near-misses.ts';
import { familiarName, normaliseTag, parseReference } from './reference.ts';

export interface TagRule {
  /** What the user wrote: `shop/web:1=customer/web:stable`. */
  readonly text: string;
  /** Whether it is an error that no image of the bundle is meant. */
  readonly mustMatch: boolean;
  /** The id of the image that is meant, or the start of it. */
  readonly idPrefix?: string;
  /** The new name, fully qualified, for an image that docker shows as `name`; undefined where that is not meant. */
  rename(name: string): string | undefined;
}

/**
 * The rule `from=to`. `from` is a name, a pattern whose only signs are stars, or an image id; without a tag it is meant
 * for all tags. Where `to` has stars, each is what the star of `from` in its place stood for; without a tag it keeps
 * the image's. Throws invalid-argument, invalid-reference.
 */
export function parseTagRule(text: string, mustMatch = true): TagRule {
  const [from = '', to = '', ...more] = text.split('=');
  if (from === '' || to === '' || more.length > 0) {
    throw unusable(text, 'NAME=NEWNAME was expected', 'For example --tag-as shop/web:1=customer/web:stable');
  }
  const stars = countStars(from);
  if (countStars(to) > 0 && countStars(to) !== stars) {
    throw unusable(text, `it has ${countStars(to)} stars behind the =, and ${stars} before it`);
  }
  for (const side of [from, to]) {
    if (side.includes('**') || isPatternText(side.replaceAll('*', ''))) {
      throw unusable(text, `"${side}" has other signs of a pattern than single stars`);
    }
  }
  checkName(to);
  if (stars > 0) checkName(from);
  const reference = stars > 0 ? undefined : parseReference(from);
  if (reference?.kind === 'digest') throw unusable(text, 'a name or an image id was expected before the =');
  if (reference?.kind === 'id') {
    const tag = splitFamiliar(to).tag;
    if (tag === undefined) throw unusable(text, 'the new name of an image id needs a tag');
    return { text, mustMatch, idPrefix: reference.idPrefix, rename: () => normaliseTag(to) };
  }
  return { text, mustMatch, rename: createRename(toFamiliar(from), to) };
}

/** What rules look at of an image. */
type NamedImage = Pick<Image, 'tags' | 'configDigest'>;

/**
 * `images` with the names that `rules` give them; those that no rule is for keep theirs. Every rule looks at the names
 * that the images have at their source, so that names can be swapped, and their order means nothing. Throws
 * invalid-argument where two images would have one name, or a rule that must match does not.
 */
export function applyTagRules<T extends NamedImage>(images: readonly T[], rules: readonly TagRule[]): T[] {
  const used = new Set<TagRule>();
  const renamed = images.map((image) => {
    const names = rules.length === 0 ? image.tags : renameImage(image, rules, used);
    return names === image.tags ? image : { ...image, tags: names };
  });
  const unused = rules.find((rule) => rule.mustMatch && !used.has(rule));
  if (unused !== undefined) throw matchesNothing(unused, images);
  checkOwners(images, renamed);
  return renamed;
}

function renameImage(image: NamedImage, rules: readonly TagRule[], used: Set<TagRule>): readonly string[] {
  const names: string[] = [];
  const take = (rule: TagRule, name: string | undefined): boolean => {
    if (name === undefined) return false;
    used.add(rule);
    names.push(name);
    return true;
  };
  const [byId, byName] = [rules.filter(isForId), rules.filter((rule) => !isForId(rule))];
  for (const rule of byId) {
    if (hexOf(image.configDigest).startsWith(rule.idPrefix ?? '')) take(rule, rule.rename(''));
  }
  for (const tag of image.tags) {
    const hits = byName.filter((rule) => take(rule, rule.rename(familiarName(tag))));
    if (hits.length === 0) names.push(tag);
  }
  return [...new Set(names)].sort();
}

function isForId({ idPrefix }: TagRule): boolean {
  return idPrefix !== undefined;
}

function createRename(from: string, to: string): TagRule['rename'] {
  const match = compilePattern(from);
  const hasTag = splitFamiliar(from).tag !== undefined;
  return (name) => {
    const { repository, tag = 'latest' } = splitFamiliar(name);
    const stars = match(hasTag ? name : repository);
    if (stars === undefined) return undefined;
    let index = 0;
    const filled = to.replaceAll('*', () => stars[index++] ?? '');
    return normaliseTag(splitFamiliar(filled).tag === undefined ? `${filled}:${tag}` : filled);
  };
}

/** The name as docker would show it, with its stars. */
function toFamiliar(name: string): string {
  return familiarName(name.replace(/^index\.docker\.io\//, 'docker.io/'));
}

/** Throws invalid-reference where `name` could be no image's, whatever its stars stand for. */
function checkName(name: string): void {
  parseReference(name.replaceAll('*', 'x'));
}

function countStars(text: string): number {
  return text.split('*').length - 1;
}

function checkOwners(before: readonly NamedImage[], after: readonly NamedImage[]): void {
  const owners = new Map<string, NamedImage>();
  for (const [index, { tags }] of after.entries()) {
    const image = before[index];
    if (image === undefined) throw new RangeError(`There is no image ${index}`);
    for (const tag of tags) {
      const owner = owners.get(tag);
      if (owner !== undefined) throw sameName(tag, owner, image);
      owners.set(tag, image);
    }
  }
}

function sameName(name: string, ...images: readonly NamedImage[]): BundleError {
  const shown = images.map(
    ({ tags, configDigest }) =>
      `${tags.map((tag) => familiarName(tag)).join(' ') || 'an image without a name'} (${hexOf(configDigest).slice(0, 12)})`,
  );
  return new BundleError(
    'invalid-argument',
    `Cannot name two images "${familiarName(name)}": they are ${shown.join(' and ')}`,
    {
      hint: 'A name in a bundle is that of one image: give one of them another, with --tag-as or in its transform, or leave it out.',
    },
  );
}

function matchesNothing(rule: TagRule, images: readonly NamedImage[]): BundleError {
  const names = images.flatMap(({ tags }) => tags);
  const near = findNearMisses(rule.text.split('=')[0] ?? '', names);
  const shown = near.length > 0 ? near : names.map((name) => familiarName(name)).slice(0, 5);
  return unusable(
    rule.text,
    'no image of the bundle is called that',
    shown.length === 0
      ? undefined
      : `${near.length > 0 ? 'Did you mean' : 'It has'} ${shown.join(', ')}${near.length > 0 ? '?' : '.'}`,
  );
}

function unusable(text: string, why: string, hint?: string): BundleError {
  return new BundleError(
    'invalid-argument',
    `Cannot give other names with "${text}": ${why}`,
    hint === undefined ? {} : { hint },
  );
}
