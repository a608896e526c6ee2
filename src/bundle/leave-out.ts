/** Which images a bundle goes without, because no engine would load them, and what is said of each. */
import type { BundleError } from '../ground/errors.ts';
import { describeImage, type Image } from '../image/image.ts';
import { parseImageConfig } from '../image/image-config.ts';
import { findLoadFault } from '../image/load-fault.ts';
import { cannotLoad, noImage } from '../image/no-image.ts';
import { familiarName, formatName, type Reference } from '../image/reference.ts';
import type { DiffId } from '../ground/digest.ts';
import type { LeaveOut } from '../image/leave-out.ts';
import type { TarFault } from './ingest.ts';

export interface LeaveOutOptions {
  /** Whether any image that no engine loads is left out; where not, only what a pattern found and is none. */
  readonly skipsUnloadable?: boolean | undefined;
  /** Told of each image that is left out, once. */
  readonly onLeftOut?: ((error: BundleError) => void) | undefined;
}

export interface LeftOut {
  readonly leaveOut: LeaveOut;
  readonly hasAny: boolean;
  /** Throws the reason of the first one that was left out where `images` is empty for that. */
  checkLeft(images: readonly unknown[]): void;
}

/** Decides for one build. */
export function createLeftOut({ skipsUnloadable = false, onLeftOut }: LeaveOutOptions): LeftOut {
  const errors = new Map<string, BundleError>();
  return {
    leaveOut(error, isNamed) {
      if (!skipsUnloadable && (isNamed || error.code !== 'image-unsupported')) throw error;
      if (!errors.has(error.message)) onLeftOut?.(error);
      errors.set(error.message, error);
    },
    get hasAny() {
      return errors.size > 0;
    },
    checkLeft(images) {
      const [first] = errors.values();
      if (images.length === 0 && first !== undefined) throw first;
    },
  };
}

/**
 * The images of `images` whose layers are all tars, as far as `tarFaults` knows; `references` are what they were asked for by.
 * A damaged tar is an image that docker refuses, and not something else that a pattern may pass over. Faults that `isMet`
 * does not take count for nothing here.
 */
export function keepImagesOfTars(
  images: readonly Image[],
  references: readonly Reference[],
  tarFaults: ReadonlyMap<DiffId, TarFault>,
  { leaveOut }: LeftOut,
  isMet: (fault: TarFault) => boolean = () => true,
): Image[] {
  return images.filter((image) => {
    const index = image.layers.findIndex((diffId) => {
      const found = tarFaults.get(diffId);
      return found !== undefined && isMet(found);
    });
    const diffId = image.layers[index];
    const fault = diffId && tarFaults.get(diffId);
    if (fault === undefined) return true;
    const label = describeImage(image);
    const layer = `its layer ${index + 1}`;
    if (fault.isDamaged) leaveOut(cannotLoad(label, `docker cannot unpack ${layer}: ${fault.text}`), true);
    else leaveOut(noImage(label, `${layer} is no tar: ${fault.text}`), isNamed(image, references));
    return false;
  });
}

/** The images of `images` that docker loads, as their configs tell. */
export function keepLoadableImages<T extends Pick<Image, 'tags' | 'configDigest' | 'config'>>(
  images: readonly T[],
  { leaveOut }: LeftOut,
): T[] {
  return images.filter((image) => {
    const name = describeImage(image);
    const fault = findLoadFault(parseImageConfig(image.config, `the config of ${name}`));
    if (fault === undefined) return true;
    leaveOut(cannotLoad(name, fault), true);
    return false;
  });
}

/** An image that was asked for by its digest has no name; one that a pattern found has only names of that. */
function isNamed({ tags }: Image, references: readonly Reference[]): boolean {
  const names = new Set(references.map((one) => (one.kind === 'name' ? formatName(one) : undefined)));
  const isFound = (tag: string): boolean =>
    !names.has(tag) &&
    references.some((one) => one.kind === 'pattern' && one.pattern.matches(familiarName(tag)));
  return references.length > 0 && !(tags.length > 0 && tags.every(isFound));
}
