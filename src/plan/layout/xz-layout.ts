/** Lays out a bundle: stream header, the blocks in order, index and footer, as one .xz Stream (.xz 1.2.1 §2.1). */
import { type BlockRecord, storedSize } from './block-record.ts';
import type { CheckName } from '../../format/xz/stream-flags.ts';
import { encodeIndex } from '../../format/xz/index-field.ts';
import { encodeStreamFooter } from '../../format/xz/stream-footer.ts';
import { encodeStreamHeader } from '../../format/xz/stream-header.ts';
import type { Extent, Layout } from './extent.ts';

/** The layout of the one-stream .xz file made of these blocks, each of which was encoded with `check`. */
export function layOutXz(records: readonly BlockRecord[], check: CheckName): Layout {
  const extents: Extent[] = [];
  let start = 0;
  const place = (extent: ExtentSource): void => {
    extents.push({ ...extent, start });
    start += extent.length;
    if (!Number.isSafeInteger(start)) throw new RangeError('A bundle cannot exceed 2^53 bytes');
  };
  const header = encodeStreamHeader(check);
  place({ kind: 'memory', length: header.length, bytes: header });
  for (const record of records) place({ kind: 'block', length: storedSize(record), record });
  const index = encodeIndex(records);
  const tail = Buffer.concat([index, encodeStreamFooter(check, index.length)]);
  place({ kind: 'memory', length: tail.length, bytes: tail });
  return { size: start, extents };
}

type ExtentSource =
  | { readonly kind: 'memory'; readonly length: number; readonly bytes: Uint8Array }
  | { readonly kind: 'block'; readonly length: number; readonly record: BlockRecord };
