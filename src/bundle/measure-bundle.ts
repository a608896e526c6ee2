/** How much of a bundle was there already. */
import { type BlockKey, type BlockRecord, frameForm, storedSize } from '../plan/layout/block-record.ts';

/** How much of a bundle was there and how much had to be made. Sizes are stored bytes unless they say otherwise. */
export interface BundleStatistics {
  readonly blockCount: number;
  readonly encodedBlockCount: number;
  readonly reusedBlockCount: number;
  readonly uncompressedSize: number;
  readonly encodedSize: number;
  readonly reusedSize: number;
  readonly encodedUncompressedSize: number;
  readonly reusedUncompressedSize: number;
}

/** The statistics of a bundle of `blocks`, of which those in `encoded` were made for it. */
export function measureBundle(
  blocks: readonly BlockRecord[],
  encoded: ReadonlySet<BlockKey>,
): BundleStatistics {
  const isNew = new Set<BlockKey>();
  let uncompressedSize = 0;
  let encodedSize = 0;
  let reusedSize = 0;
  let encodedUncompressedSize = 0;
  for (const block of blocks) {
    uncompressedSize += block.uncompressedSize;
    if (encoded.has(block.key) && !isNew.has(block.key)) {
      isNew.add(block.key);
      encodedSize += storedSize(block);
      encodedUncompressedSize += block.uncompressedSize;
    } else {
      reusedSize += storedSize(block);
    }
  }
  return {
    blockCount: blocks.length,
    encodedBlockCount: isNew.size,
    reusedBlockCount: blocks.length - isNew.size,
    uncompressedSize,
    encodedSize,
    reusedSize,
    encodedUncompressedSize,
    reusedUncompressedSize: uncompressedSize - encodedUncompressedSize,
  };
}

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
