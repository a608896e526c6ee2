/** Gathers calls that come in bursts into one. */

export interface DebounceOptions {
  /** How long nothing more may come before the action runs. */
  readonly quietMs: number;
  /** How long after the first call it runs at the latest, however many more come. */
  readonly limitMs: number;
}

export interface Debounce {
  /** Whether a call waits for its action. */
  readonly isPending: boolean;
  call(): void;
  /** Forgets what waits. */
  cancel(): void;
}

/** Calls `action` once for all the calls that come close together. */
export function createDebounce(action: () => void, { quietMs, limitMs }: DebounceOptions): Debounce {
  let quiet: NodeJS.Timeout | undefined;
  let limit: NodeJS.Timeout | undefined;
  const cancel = (): void => {
    clearTimeout(quiet);
    clearTimeout(limit);
    quiet = undefined;
    limit = undefined;
  };
  const run = (): void => {
    cancel();
    action();
  };
  return {
    get isPending() {
      return limit !== undefined;
    },
    call() {
      clearTimeout(quiet);
      quiet = setTimeout(run, quietMs);
      limit ??= setTimeout(run, limitMs);
    },
    cancel,
  };
}
