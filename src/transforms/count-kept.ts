/** How many layers of an image stay as they are when it is squashed. */
import { hexOf } from '../ground/digest.ts';
import { BundleError } from '../ground/errors.ts';
import type { Image } from '../image/image.ts';
import { describeSource } from './describe-source.ts';
import type { SquashedLayers } from './transform.ts';

/**
 * Throws invalid-argument where `layers` names none, or several, of `image`. Of images that a pattern means, numbers go
 * as far as there are layers.
 */
export function countKept(image: Image, layers: SquashedLayers | undefined, isOneOfMany = false): number {
  if (layers === undefined) return 0;
  const { length } = image.layers;
  if (isOneOfMany && 'last' in layers) return Math.max(0, length - layers.last);
  if (isOneOfMany && 'from' in layers && typeof layers.from === 'number')
    return Math.min(length, layers.from - 1);
  if ('last' in layers) {
    if (layers.last > length) throw cannotFind(image, `the last ${layers.last} were asked for`);
    return length - layers.last;
  }
  const { from } = layers;
  if (typeof from === 'number') {
    if (from < 1 || from > length) throw cannotFind(image, `number ${from} was asked for`);
    return from - 1;
  }
  const prefix = from.replace(/^sha256:/, '');
  const found = image.layers.flatMap((diffId, index) => (hexOf(diffId).startsWith(prefix) ? [index] : []));
  const [first] = found;
  if (first === undefined || found.length > 1) {
    throw cannotFind(image, `${found.length === 0 ? 'none' : 'several'} of them start with "${from}"`);
  }
  return first;
}

function cannotFind(image: Image, why: string): BundleError {
  const lines = image.layers.map((diffId, index) => `${index + 1}  ${diffId}`);
  return new BundleError(
    'invalid-argument',
    `Cannot squash ${describeSource(image)}: it has ${image.layers.length} layers, and ${why}`,
    { hint: ['They are, from the lowest up:', ...lines] },
  );
}
