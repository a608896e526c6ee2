/** What a layout says of an image, before any of it is believed. */
import type { Digest } from '../../../ground/digest.ts';

export interface ListedImage {
  /** Fully qualified names with a tag. */
  readonly names: readonly string[];
  /** Names that the layout gives it and that are none: it can be taken by another, or by its digest; absent where there are none. */
  readonly unreadableNames?: readonly string[];
  /** What the layout calls it where that is a tag alone, and not a name. */
  readonly refName?: string;
  /** Why it is no image, but something else that has a manifest: a pattern does not find it, and it cannot be located. */
  readonly noImage?: string | undefined;
  /** Where its parts are. Throws archive-* where the layout does not say, image-not-found where no platform fits, image-unsupported. */
  locate(): Promise<LocatedImage>;
  /** The digests that name it: of its config, its manifest and the indexes above that; fewer where parts are missing. */
  findDigests(): Promise<ImageDigests>;
}

export interface ImageDigests {
  readonly config: Digest | undefined;
  readonly manifests: readonly Digest[];
}

export interface LocatedImage {
  readonly config: LocatedBlob;
  /** From the lowest up. */
  readonly layers: readonly LocatedBlob[];
}

export interface LocatedBlob {
  /** Of the member that has it. */
  readonly name: string;
  /** What the member's bytes must hash to, where the layout says it. */
  readonly digest: Digest | undefined;
  /** How many bytes the member must have, where the layout says it. */
  readonly size?: number | undefined;
  /** Of a foreign layer: where else it is offered. */
  readonly foreignUrls?: readonly string[] | undefined;
}
