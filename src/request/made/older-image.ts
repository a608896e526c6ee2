/** The older image that a thin one is put on: from the source of all images, or from a place of its own. */
import type { Cache } from '../../cache/cache.ts';
import type { ImageSource } from '../../image/image-source.ts';
import { openSource } from '../../place/open-source.ts';
import type { Workshop } from '../../bundle/prepare-bundle.ts';
import type { Image } from '../../image/image.ts';
import type { Reference } from '../../image/reference.ts';

export interface ReadOlderOptions {
  /** Where all other images come from. */
  readonly source: ImageSource;
  readonly cache: Cache;
  /** Where this one comes from instead. */
  readonly from?: string;
  readonly platform?: string;
  readonly workshop: Pick<Workshop, 'sink' | 'signal'>;
}

/** The image that `reference` names; its layers are given to the sink. Throws what sources throw. */
export async function readOlderImage(
  reference: Reference,
  { source, cache, from, platform, workshop }: ReadOlderOptions,
): Promise<Image> {
  const { sink, signal } = workshop;
  const other = from === undefined ? undefined : await openSource(from, { cache, signal, platform });
  try {
    const [image] = await (other ?? source).readImages([reference], sink, { signal });
    if (image === undefined) throw new RangeError(`A source gave no image for "${reference.text}"`);
    return image;
  } finally {
    await other?.close();
  }
}
