/** Applies transforms to the images that a source gave: the step between reading and bundling them. */
import { appendAll } from '../ground/long-lists.ts';
import type { ReworkImages, Workshop } from '../bundle/prepare-bundle.ts';
import { BundleError } from '../ground/errors.ts';
import { imageNotFound } from '../image/image-not-found.ts';
import type { Image } from '../image/image.ts';
import { isPatternText } from '../image/name-pattern.ts';
import { parseReference, type Reference } from '../image/reference.ts';
import { countKept, squashImage } from './squash-image.ts';
import { createMatcher, isMeant, type TakenNames } from './match-image.ts';
import { nothingSaved, type ThinPlan } from './plan-thin.ts';
import { thinImage } from './thin-image.ts';
import type { ThinTransform, Transform } from './transform.ts';

/** What became of one image. */
export interface Outcome {
  readonly transform: Transform;
  readonly before: Image;
  /** `before` itself where nothing is to gain, and that is no reason to stop. */
  readonly after: Image;
  /** The image that a thin one was put on. */
  readonly on?: Image;
  /** What was planned; undefined where it was made by an earlier run. */
  readonly plan?: ThinPlan;
}

export interface ApplyTransformsOptions {
  /** Reads an older image that is not among those of the bundle, its layers into the workshop's sink. */
  readonly readOther: (reference: Reference, from: string | undefined, workshop: Workshop) => Promise<Image>;
  readonly onOutcome?: (outcome: Outcome) => void;
}

/**
 * The step that applies `transforms`, each to what the ones before it made. Throws invalid-reference and
 * invalid-argument at once; the step throws image-not-found where one that must
 * match does not, and what squashImage and thinImage throw.
 */
export function createRework(
  transforms: readonly Transform[],
  { readOther, onOutcome }: ApplyTransformsOptions,
): ReworkImages {
  // Names that cannot be are found before anything is read.
  const steps = transforms.map((transform) => ({ transform, match: createMatcher(transform) }));
  for (const transform of transforms) if (transform.kind === 'thin') parseOlder(transform.on);
  return async (read, workshop) => {
    let images = read;
    for (const { transform, match } of steps) {
      const next: Image[] = [];
      const onlyRead = new Set<Image>();
      const known = [...images, ...read];
      let older: Promise<Image> | undefined;
      const getOlder = (thin: ThinTransform): Promise<Image> =>
        (older ??= findOlder(thin, known, workshop, readOther));
      let isMatched = false;
      for (const image of images) {
        const names = match(image);
        if (names === undefined) {
          next.push(image);
          continue;
        }
        isMatched = true;
        const outcome = await transformImage(image, transform, workshop, getOlder);
        appendAll(next, placeImages(image, outcome.after, names, transform.keep === true));
        if (transform.kind === 'thin' && transform.isOlderOnlyRead === true && outcome.on)
          onlyRead.add(outcome.on);
        onOutcome?.(outcome);
      }
      if (!isMatched && transform.mustMatch) throw matchesNothing(transform.image ?? '*', images);
      images = next.filter((image) => !onlyRead.has(image));
    }
    return images;
  };
}

async function transformImage(
  image: Image,
  transform: Transform,
  workshop: Workshop,
  getOlder: (thin: ThinTransform) => Promise<Image>,
): Promise<Outcome> {
  if (transform.kind === 'squash') {
    const isOneOfMany = transform.image !== undefined && isPatternText(transform.image);
    const keptCount = countKept(image, transform.layers, isOneOfMany);
    const isLeft = isOneOfMany && image.layers.length - keptCount < 2;
    return {
      transform,
      before: image,
      after: isLeft ? image : await squashImage(image, keptCount, workshop),
    };
  }
  const on = await getOlder(transform);
  const { image: made, plan } = await thinImage(image, on, transform, workshop);
  if (made === undefined && plan !== undefined && transform.whenLarger === 'refuse') {
    throw nothingSaved(image, on, plan);
  }
  return { transform, before: image, after: made ?? image, on, plan };
}

/** The older image of a thin one: among those that were read, or of its source. Its layers are stored afterwards. */
async function findOlder(
  { on, onFrom }: ThinTransform,
  known: readonly Image[],
  workshop: Workshop,
  readOther: ApplyTransformsOptions['readOther'],
): Promise<Image> {
  const reference = parseOlder(on);
  const found = onFrom === undefined ? known.find((image) => isMeant(image, reference)) : undefined;
  if (found !== undefined) return found;
  const read = await readOther(reference, onFrom, workshop);
  await workshop.settle();
  return read;
}

/** Throws invalid-reference, and invalid-argument where it could be several images. */
function parseOlder(on: string): Reference {
  const reference = parseReference(on);
  if (reference.kind !== 'pattern') return reference;
  throw new BundleError(
    'invalid-argument',
    `Cannot put an image on "${on}": one image was expected, not a pattern`,
  );
}

/** The old image with the names that are left to it, where it stays, and the new one. */
function placeImages(before: Image, after: Image, { taken, given }: TakenNames, keeps: boolean): Image[] {
  const left = keeps ? before.tags : before.tags.filter((tag) => !taken.includes(tag));
  const stays = keeps || left.length > 0;
  return [...(stays ? [{ ...before, tags: left }] : []), { ...after, tags: given }];
}

function matchesNothing(image: string, images: readonly Image[]): BundleError {
  const known = images.flatMap(({ tags }) => tags);
  return imageNotFound(parseReference(image), 'what is bundled', known);
}
