/** bundle.json, which lies beside a bundle, as one side of a comparison: images and layers, without blocks and files. */
import type { DiffId } from '../digest.ts';
import { BundleError } from '../errors.ts';
import { checkShape } from '../explain-shape.ts';
import { type BundleDescription, bundleDescriptionSchema } from '../stick/bundle-description.ts';
import type { BundleContents } from './bundle-contents.ts';

const hint = 'It was damaged or changed. Copy the whole folder again from its source.';

/** The description that `text` is, or undefined where it is JSON of another kind. Throws archive-corrupt. */
export function parseBundleDescription(text: string, label: string): BundleDescription | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new BundleError('archive-corrupt', `Cannot read "${label}": it is not JSON`, {
      cause: error,
      hint,
    });
  }
  const format = typeof json === 'object' && json !== null && 'format' in json ? json.format : undefined;
  if (typeof format !== 'string' || !format.startsWith('bundlefs-bundle-')) return undefined;
  const shaped = checkShape(json, bundleDescriptionSchema);
  if (shaped.isRight) return shaped.data;
  throw new BundleError('archive-corrupt', `Cannot read "${label}": in its bundle.json, ${shaped.fault}`, {
    cause: shaped.cause,
    hint,
  });
}

/** What `description` says, as far as comparisons go. */
export function describeContents(description: BundleDescription, label: string): BundleContents {
  const { archive, images, layers } = description;
  return {
    label,
    storedSize: archive.size,
    images: images.map(({ names, id, layers: diffIds }) => ({
      names,
      id: id as DiffId,
      layers: diffIds as DiffId[],
      history: [],
    })),
    layers: new Map(layers.map(({ diffId, size }) => [diffId as DiffId, { diffId: diffId as DiffId, size }])),
  };
}
