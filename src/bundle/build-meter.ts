/** What the preparation of a bundle costs, counted while it runs, so that a failed one is known too. */
import type { BlockKey } from '../plan/layout/block-record.ts';
import { createStopwatch, type Stopwatch } from '../ground/stopwatch.ts';

export interface BuildMeter {
  /** Runs while the source is read, the waits for encoders included. */
  readonly reading: Stopwatch;
  /** Runs while the reader waits for room among the pieces under way. */
  readonly waiting: Stopwatch;
  /** Runs while at least one block is being encoded, read back and stored. */
  readonly encoding: Stopwatch;
  /** Bytes read of the source. */
  readSize: number;
  /** The blocks that were encoded, stored or not in the bundle in the end. */
  readonly encoded: Set<BlockKey>;
}

export function createBuildMeter(): BuildMeter {
  return {
    reading: createStopwatch(),
    waiting: createStopwatch(),
    encoding: createStopwatch(),
    readSize: 0,
    encoded: new Set(),
  };
}
