/** Images as they stand in every JSON that the program prints. */
import type { DiffId, Digest } from '../ground/digest.ts';
import type { Image } from './image.ts';
import { familiarName } from './reference.ts';

export interface ImageDescription {
  /** Short names, as docker shows them. */
  readonly names: readonly string[];
  /** The config digest: the image id on engines with graph drivers. */
  readonly id: Digest;
  readonly layers: readonly DiffId[];
}

export function describeImages(images: readonly Image[]): ImageDescription[] {
  return images.map(({ tags, configDigest, layers }) => ({
    names: tags.map((tag) => familiarName(tag)),
    id: configDigest,
    layers,
  }));
}
