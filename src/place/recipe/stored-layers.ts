/** Layers of the cache for recipes, whichever profile they were encoded with. */
import type { Cache } from '../../cache/cache.ts';
import { openStoredLayers } from '../../file/stored-layers.ts';
import type { FindStoredLayer } from './recipe-source.ts';

export function createLayerFinder(cache: Cache): FindStoredLayer {
  return async (diffId, profile) => {
    const layers = await openStoredLayers(cache, profile);
    const found = await layers.findLayer(diffId);
    if (found?.kind === 'random') {
      return { file: found.file, [Symbol.asyncDispose]: () => layers[Symbol.asyncDispose]() };
    }
    await layers[Symbol.asyncDispose]();
    return undefined;
  };
}
