/** Finds in the journal the build that a question about an image is for, and what the image was before it. */
import type { BlockKey } from '../../plan/layout/block-record.ts';
import type { ListedBuild } from '../../cache/build-journal.ts';
import type { Digest } from '../../ground/digest.ts';
import { familiarName, formatName, type Reference } from '../../image/reference.ts';
import type { ContentImage } from '../contents/bundle-contents.ts';
import { compareImages } from '../contents/compare-images.ts';

/** A build that did not fail. */
export type FinishedBuild = ListedBuild & { readonly recipe: Digest };

/** The verb of builds that `delta` makes of images that are only its base. */
export const baseVerb = 'base';

/** A build with the number that it has in `@N`. */
export type NumberedBuild = FinishedBuild & { readonly number: number };

export interface ChosenBuild {
  /** See numberBuilds. */
  readonly index: number;
  readonly build: FinishedBuild;
  readonly image: ContentImage;
  readonly earlier?: EarlierImage;
}

/** What an image was in the newest build before that had it, under the same name or another tag of its repository. */
export interface EarlierImage {
  readonly index: number;
  readonly build: FinishedBuild;
  readonly image: ContentImage;
}

/** The builds of the journal that made a bundle, newest first. */
export function finishedBuilds(builds: readonly ListedBuild[]): FinishedBuild[] {
  return builds.filter((build): build is FinishedBuild => build.recipe !== undefined);
}

/**
 * The builds of the journal, newest first, with their numbers: how many other bundles were made after it. Builds in a row
 * that made the same bundle have one number, and what was built only to be the base of a delta has none and is left out:
 * asking again changes no number (docs/decisions/0098-numbers-count-bundles.md).
 */
export function numberBuilds(builds: readonly ListedBuild[]): NumberedBuild[] {
  let number = -1;
  let last: Digest | undefined;
  return finishedBuilds(builds)
    .filter(({ verb }) => verb !== baseVerb)
    .map((build) => {
      if (build.recipe !== last) number += 1;
      last = build.recipe;
      return { ...build, number };
    });
}

/** How many numbers `builds` have. */
export function countNumbers(builds: readonly NumberedBuild[]): number {
  return (builds.at(-1)?.number ?? -1) + 1;
}

/** Images of a build, without histories. */
export function imagesOf(build: FinishedBuild): ContentImage[] {
  return build.images.map(({ names, config, layers }) => ({ names, id: config, layers, history: [] }));
}

/** The image of `build` that `reference` names: by name, by the start of its id, or by repository where no tag was said. */
export function findImage(build: FinishedBuild, reference: Reference): ContentImage | undefined {
  const images = imagesOf(build);
  switch (reference.kind) {
    case 'id':
      return images.find(({ id }) => id.startsWith(`sha256:${reference.idPrefix}`));
    case 'digest':
      return images.find(({ id }) => id === reference.digest);
    case 'pattern':
      return images.find(({ names }) => names.some((name) => reference.pattern.matches(familiarName(name))));
    case 'name': {
      const hasTag = reference.text.lastIndexOf(':') > reference.text.lastIndexOf('/');
      const exact = images.find(({ names }) => names.includes(formatName(reference)));
      const isOfRepository = (name: string): boolean => name.startsWith(`${reference.repository}:`);
      return exact ?? (hasTag ? undefined : images.find(({ names }) => names.some(isOfRepository)));
    }
  }
}

/**
 * The newest build of `builds` (newest first) that has the image and of whose layers `wasEncoded` says that it encoded
 * something; with `wantedNumber`, of those with that number, also where none encoded anything. undefined where there is none.
 */
export async function chooseBuild(
  builds: readonly NumberedBuild[],
  reference: Reference,
  wasEncoded: (image: ContentImage, encoded: ReadonlySet<BlockKey>, build: FinishedBuild) => Promise<boolean>,
  wantedNumber?: number,
): Promise<ChosenBuild | undefined> {
  let other: ChosenBuild | undefined;
  for (const build of builds) {
    if (wantedNumber !== undefined && build.number !== wantedNumber) continue;
    const image = findImage(build, reference);
    if (image === undefined) continue;
    const earlier = findEarlier(builds, build, image);
    const chosen = { index: build.number, build, image, earlier };
    if (await wasEncoded(image, new Set(build.encodedBlocks), build)) return chosen;
    if (wantedNumber !== undefined) other ??= chosen;
  }
  return other;
}

function findEarlier(
  builds: readonly NumberedBuild[],
  current: NumberedBuild,
  image: ContentImage,
): EarlierImage | undefined {
  for (const build of builds) {
    if (build.number <= current.number) continue;
    // All images of both, so that another image of the same repository is not taken for this one.
    const changes = compareImages(imagesOf(build), imagesOf(current));
    const change = changes.find((one) => 'after' in one && one.after.id === image.id);
    if (change !== undefined && 'before' in change)
      return { index: build.number, build, image: change.before };
  }
  return undefined;
}
