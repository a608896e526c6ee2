/** Where the options of a verb say that images come from. */
import type { Cache } from '../../cache/cache.ts';
import type { ImageSource } from '../../image/image-source.ts';
import { openSource } from '../../place/open-source.ts';
import type { ImageOptions } from '../../cli/options/image-options.ts';
import { createLayerFinder } from '../../place/recipe/stored-layers.ts';

/** Opens it; a recipe finds layers in `cache`. Throws what openSource throws. */
export function openChosenSource(
  { from, platform }: Pick<ImageOptions, 'from' | 'platform'>,
  cache: Cache,
  signal: AbortSignal | undefined,
): Promise<ImageSource> {
  return openSource(from, {
    findStoredLayer: createLayerFinder(cache),
    ...(signal !== undefined && { signal }),
    ...(platform !== undefined && { platform }),
  });
}
