/** What is compared: the images, layers and blocks of a bundle, wherever it comes from, as plain data. */
import type { PlacedBlock } from '../../file/name-range.ts';
import type { DiffId, Digest } from '../../ground/digest.ts';
import type { HistoryEntry } from '../../image/image-config.ts';

export interface BundleContents {
  /** What it is, for people: `r1.tar.xz`, `build @1`. */
  readonly label: string;
  readonly images: readonly ContentImage[];
  /** Every distinct layer once, in the order in which images first have them. */
  readonly layers: ReadonlyMap<DiffId, ContentLayer>;
  /** Bytes of the whole as it is stored, where that is known. */
  readonly storedSize?: number;
  /** The blocks of a .xz file, in its order; undefined where nobody can say. */
  readonly blocks?: readonly ContentBlock[];
}

export interface ContentImage {
  /** Fully qualified, with a tag; empty for an untagged image. */
  readonly names: readonly string[];
  /** The config digest. */
  readonly id: Digest;
  /** From the lowest up. */
  readonly layers: readonly DiffId[];
  /** From the config; empty where that is not at hand. */
  readonly history: readonly HistoryEntry[];
}

export interface ContentLayer {
  readonly diffId: DiffId;
  /** Bytes of the layer's tar; undefined where nobody can say. */
  readonly size?: number;
  /** Where it starts in the bundle tar, where that is known. */
  readonly start?: number;
}

export interface ContentBlock extends PlacedBlock {
  /** Bytes that it takes in the .xz file. */
  readonly storedSize: number;
}
