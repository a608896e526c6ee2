/** Where the options of a verb say that images come from. */
import type { Cache } from '../../cache/cache.ts';
import type { ImageSource } from '../../image/image-source.ts';
import { openSource } from '../../place/open-source.ts';
import type { Settings } from '../settings.ts';
import type { Workshop } from '../../bundle/prepare-bundle.ts';
import type { Image } from '../../image/image.ts';
import type { Reference } from '../../image/reference.ts';

/** Opens it; a recipe finds layers in `cache`. Throws what openSource throws. */
export function openChosenSource(
  { from, platform }: Pick<Settings, 'from' | 'platform'>,
  cache: Cache,
  signal: AbortSignal | undefined,
): Promise<ImageSource> {
  return openSource(from, { cache, signal, platform });
}

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
  const other = from === undefined ? undefined : await openChosenSource({ from, platform }, cache, signal);
  try {
    const [image] = await (other ?? source).readImages([reference], sink, { signal });
    if (image === undefined) throw new RangeError(`A source gave no image for "${reference.text}"`);
    return image;
  } finally {
    await other?.close();
  }
}
