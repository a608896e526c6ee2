/** Extents: the runs of bytes that a virtual file is put together from. */
import type { BlockRecord } from './block-record.ts';

/** A run of a virtual file's bytes, either bytes at hand (the .xz frame) or one stored block whole. */
export type Extent =
  | { readonly kind: 'memory'; readonly start: number; readonly length: number; readonly bytes: Uint8Array }
  | { readonly kind: 'block'; readonly start: number; readonly length: number; readonly record: BlockRecord };

/** Extents without gaps, sorted by start, from 0 to `size`. */
export interface Layout {
  readonly size: number;
  readonly extents: readonly Extent[];
}
