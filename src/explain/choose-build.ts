/** Finds in the journal the build that a question about an image is for, and what the image was before it. */
import type { BlockKey } from '../blocks/block-record.ts';
import type { ListedBuild } from '../blocks/build-journal.ts';
import type { Digest } from '../digest.ts';
import { familiarName, formatName, type Reference } from '../image/reference.ts';
import type { ContentImage } from './bundle-contents.ts';
import { compareImages } from './compare-images.ts';

/** A build that did not fail. */
export type FinishedBuild = ListedBuild & { readonly recipe: Digest };

export interface ChosenBuild {
  /** How many newer ones there are: 0 for the last build. */
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
 * something; with `index`, that one. undefined where there is none.
 */
export async function chooseBuild(
  builds: readonly FinishedBuild[],
  reference: Reference,
  wasEncoded: (image: ContentImage, encoded: ReadonlySet<BlockKey>, build: FinishedBuild) => Promise<boolean>,
  wantedIndex?: number,
): Promise<ChosenBuild | undefined> {
  for (const [index, build] of builds.entries()) {
    if (wantedIndex !== undefined && index !== wantedIndex) continue;
    const image = findImage(build, reference);
    if (image === undefined) continue;
    const isWanted =
      wantedIndex !== undefined || (await wasEncoded(image, new Set(build.encodedBlocks), build));
    if (!isWanted) continue;
    const earlier = findEarlier(builds, index, image);
    return { index, build, image, ...(earlier && { earlier }) };
  }
  return undefined;
}

function findEarlier(
  builds: readonly FinishedBuild[],
  index: number,
  image: ContentImage,
): EarlierImage | undefined {
  const current = builds[index];
  if (current === undefined) return undefined;
  for (let older = index + 1; older < builds.length; older += 1) {
    const build = builds[older];
    if (build === undefined) break;
    // All images of both, so that another image of the same repository is not taken for this one.
    const changes = compareImages(imagesOf(build), imagesOf(current));
    const change = changes.find((one) => 'after' in one && one.after.id === image.id);
    if (change !== undefined && 'before' in change) return { index: older, build, image: change.before };
  }
  return undefined;
}
