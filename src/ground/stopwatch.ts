/** Measures for how long work of a kind was under way, however much of it ran at once. */

export interface Stopwatch {
  /** Waits for `work`, which counts while it is under way. */
  time<T>(work: () => Promise<T>): Promise<T>;
  /** Seconds in which at least one piece of work was under way, those under way now included. */
  seconds(): number;
}

/** A stopwatch by the clock `now`, in milliseconds. */
export function createStopwatch(now: () => number = () => performance.now()): Stopwatch {
  let underWayCount = 0;
  let startMs = 0;
  let spentMs = 0;
  return {
    async time(work) {
      if (underWayCount === 0) startMs = now();
      underWayCount += 1;
      try {
        return await work();
      } finally {
        underWayCount -= 1;
        if (underWayCount === 0) spentMs += now() - startMs;
      }
    },
    seconds: () => (spentMs + (underWayCount > 0 ? now() - startMs : 0)) / 1000,
  };
}
