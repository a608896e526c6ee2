/** Bounds the work in flight by a weight, so that a fast reader waits for slow encoders. */

export interface WorkLimit {
  /** Waits until `weight` fits, then runs `work`; work heavier than the limit runs when it is alone. */
  run<T>(weight: number, work: () => Promise<T>): Promise<WorkStarted<T>>;
}

/** `result` is wrapped, so that awaiting `run` waits for the start of the work and not for its end. */
export interface WorkStarted<T> {
  readonly result: Promise<T>;
}

/** A limit on the sum of the weights of the work under way. Work starts in the order in which it was given. */
export function createWorkLimit(limit: number): WorkLimit {
  let used = 0;
  const waiting: { readonly weight: number; readonly start: () => void }[] = [];
  const startNext = (): void => {
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      if (used > 0 && used + next.weight > limit) return;
      waiting.shift();
      used += next.weight;
      next.start();
    }
  };
  return {
    async run(weight, work) {
      await new Promise<void>((start) => {
        waiting.push({ weight, start });
        startNext();
      });
      const result = work().finally(() => {
        used -= weight;
        startNext();
      });
      return { result };
    },
  };
}
