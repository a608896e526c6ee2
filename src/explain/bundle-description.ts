/** bundle.json, which lies beside a bundle, as one side of a comparison: images and layers, without blocks and files. */
import { z } from 'zod';
import { type DiffId, isDigest } from '../digest.ts';
import { BundleError } from '../errors.ts';
import type { BundleContents } from './bundle-contents.ts';

const digest = z.custom<DiffId>((value) => typeof value === 'string' && isDigest(value));

const descriptionSchema = z.object({
  format: z.literal('bundlefs-bundle-1'),
  archive: z.object({ size: z.int().nonnegative() }),
  images: z.array(z.object({ names: z.array(z.string()), id: digest, layers: z.array(digest) })),
  layers: z.array(z.object({ diffId: digest, size: z.int().nonnegative() })),
});

/** The contents that `text` describes, or undefined where it is another document. Throws archive-corrupt. */
export function parseBundleDescription(text: string, label: string): BundleContents | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new BundleError('archive-corrupt', `Cannot read "${label}": it is not JSON`, { cause: error });
  }
  if (!z.object({ format: z.literal('bundlefs-bundle-1') }).safeParse(json).success) return undefined;
  const parsed = descriptionSchema.safeParse(json);
  if (!parsed.success) {
    throw new BundleError('archive-corrupt', `Cannot read "${label}": ${z.prettifyError(parsed.error)}`);
  }
  const { archive, images, layers } = parsed.data;
  return {
    label,
    storedSize: archive.size,
    images: images.map((image) => ({ ...image, history: [] })),
    layers: new Map(layers.map((layer) => [layer.diffId, layer])),
  };
}
