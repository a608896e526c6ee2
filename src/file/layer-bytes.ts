/** The bytes of a layer, as whoever looks into it finds them. */
import type { ReadableFile } from '../format/tar/byte-reader.ts';
import type { DiffId } from '../ground/digest.ts';

/** A layer's uncompressed tar, at random access or front to back. */
export type LayerBytes =
  | {
      readonly kind: 'random';
      readonly file: ReadableFile;
      /** Names the bytes from `position` on: two ranges of one name are the same bytes. undefined where nobody can say. */
      readonly nameRange?: (position: number, size: number) => string | undefined;
    }
  | { readonly kind: 'stream'; readonly open: () => AsyncIterable<Uint8Array> };

/** Where layers are found; undefined for one that is not there, or cannot be read a second time. */
export type FindLayer = (diffId: DiffId) => Promise<LayerBytes | undefined>;
