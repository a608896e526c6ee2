/** Makes an image of its config bytes and tags. */
import { digestOf } from '../digest.ts';
import { parseImageConfig } from './image-config.ts';
import type { Image } from './image.ts';
import { normaliseTag } from './reference.ts';

/**
 * The image with this config, which is checked, and these tags in whatever form. `what` names the config in messages.
 * Throws archive-corrupt, invalid-reference.
 */
export function createImage(config: Uint8Array, tags: readonly string[], what?: string): Image {
  const configDigest = digestOf(config);
  return {
    configDigest,
    config,
    layers: parseImageConfig(config, what ?? `the config ${configDigest}`).diffIds,
    tags: [...new Set(tags.map((tag) => normaliseTag(tag)))].sort(),
  };
}
