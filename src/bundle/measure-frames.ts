/** How much of a `.tar.zst` was there already. */
import { type BlockKey, type BlockRecord, frameForm } from '../plan/layout/block-record.ts';

/** Sizes are bytes of the file. */
export interface FrameStatistics {
  readonly size: number;
  readonly frameCount: number;
  readonly encodedFrameCount: number;
  /** Without the seek table. */
  readonly encodedSize: number;
  readonly reusedSize: number;
}

/** The statistics of a file of `size` bytes made of `frames`, of which those in `encoded` were made for it. */
export function measureFrames(
  frames: readonly BlockRecord[],
  encoded: ReadonlySet<BlockKey>,
  size: number,
): FrameStatistics {
  const isNew = new Set<BlockKey>();
  let encodedSize = 0;
  let reusedSize = 0;
  for (const frame of frames) {
    if (encoded.has(frame.key) && !isNew.has(frame.key)) {
      isNew.add(frame.key);
      encodedSize += frameForm.sizeOf(frame);
    } else {
      reusedSize += frameForm.sizeOf(frame);
    }
  }
  return {
    size,
    frameCount: frames.length,
    encodedFrameCount: isNew.size,
    encodedSize,
    reusedSize,
  };
}
