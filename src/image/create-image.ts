/** Makes an image of its config bytes and tags. */
import { digestOf } from '../ground/digest.ts';
import { describeImage } from './describe-image.ts';
import { parseImageConfig } from './image-config.ts';
import type { Image } from './image.ts';
import { normaliseTag } from './reference.ts';

/**
 * The image with this config, which is checked, and these tags in whatever form. `what` names the config in messages.
 * Throws config-corrupt, image-unsupported, invalid-reference.
 */
export function createImage(config: Uint8Array, tags: readonly string[], what?: string): Image {
  const configDigest = digestOf(config);
  const names = [...new Set(tags.map((tag) => normaliseTag(tag)))].sort();
  const label = what ?? `the config of ${describeImage({ configDigest, tags: names })}`;
  return { configDigest, config, layers: parseImageConfig(config, label).diffIds, tags: names };
}
