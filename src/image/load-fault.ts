/** What keeps docker from loading an image whose config it can read: the rules of its loader about what the config says. */
import type { ImageConfig } from './image-config.ts';

/** moby layer/layer_store.go, "maxLayerDepth". */
const mostLayers = 125;

/**
 * Why docker on Linux refuses an image with this config (moby image/tarexport/load.go, "Load"; image/store.go, "Create"),
 * 20.10 or 28.5: `it is for windows, …`. Undefined where both load it.
 */
export function findLoadFault({ platform: { os }, diffIds, history }: ImageConfig): string | undefined {
  if (os !== '' && os !== 'linux')
    return `it is for "${os}", and docker on Linux loads images for "linux" only`;
  const steps = history.filter(({ isEmptyLayer }) => !isEmptyLayer).length;
  if (steps > diffIds.length) {
    return `its history has ${steps} steps that made a layer, and it has ${diffIds.length} layers`;
  }
  if (diffIds.length <= mostLayers) return undefined;
  return `it has ${diffIds.length} layers, and docker loads at most ${mostLayers}`;
}
