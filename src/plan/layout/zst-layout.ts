/** Lays out a `.tar.zst`: the frames in order, and the seek table behind them. */
import { type BlockRecord, frameForm } from './block-record.ts';
import type { Extent, Layout } from './extent.ts';
import { encodeSeekTable } from './seek-table.ts';

/** The layout of the file made of these frames, whose content follows each other without gaps. */
export function layOutZst(frames: readonly BlockRecord[]): Layout {
  const extents: Extent[] = [];
  let start = 0;
  for (const record of frames) {
    const length = frameForm.sizeOf(record);
    extents.push({ kind: 'block', start, length, record });
    start += length;
  }
  const bytes = encodeSeekTable(
    frames.map((record) => ({
      frameSize: frameForm.sizeOf(record),
      contentSize: record.uncompressedSize,
    })),
  );
  extents.push({ kind: 'memory', start, length: bytes.length, bytes });
  return { size: start + bytes.length, extents };
}
