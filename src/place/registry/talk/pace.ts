/** The floor under the speed of a connection: who sends a byte a second keeps nobody waiting for ever. */
import { registryLimits } from './limits.ts';

export interface Pace {
  /** Waits for `work`, and counts the time. Calls `giveUp` with why, where too little has come in too much time. */
  during<T>(work: Promise<T>, giveUp: (error: Error) => void): Promise<T>;
  /** Counts `size` bytes that came, or were taken. */
  note(size: number): void;
}

/**
 * Lets pass what has `registryLimits.leastSize` bytes in each `patienceMs` of waiting. Time in which the other side is not
 * waited for, because what came is being worked at, does not count.
 */
export function createPace(patienceMs: number = registryLimits.silenceMs): Pace {
  let [waitedMs, size] = [0, 0];
  return {
    async during(work, giveUp) {
      const startMs = performance.now();
      const timer = setTimeout(
        () => {
          giveUp(size === 0 ? silent(patienceMs) : tooSlow(size, patienceMs));
        },
        Math.max(0, patienceMs - waitedMs),
      );
      try {
        return await work;
      } finally {
        clearTimeout(timer);
        waitedMs += performance.now() - startMs;
      }
    },
    note(count) {
      size += count;
      if (size >= registryLimits.leastSize) [waitedMs, size] = [0, 0];
    },
  };
}

/** That nothing came for `ms`: the connection may have broken unnoticed, so that another may do better. */
export function silent(ms: number): Error {
  return Object.assign(new Error(`it said nothing for ${ms / 1000} seconds`), { code: 'ETIMEDOUT' });
}

/** Not transient: what is so slow is not asked again. */
function tooSlow(size: number, ms: number): Error {
  return new Error(
    `it is too slow: ${size} bytes in ${ms / 1000} seconds, ${registryLimits.leastSize} were expected`,
  );
}
