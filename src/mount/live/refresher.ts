/** Decides when a mount's images are looked at again, and does it: one try at a time, and never at a reader's cost. */
import { BundleError, describeError, isBundleError } from '../../ground/errors.ts';
import { createDebounce, type Debounce } from '../../ground/debounce.ts';
import type { ImageChanges, MountStatus, RefreshProgress, RefreshRecord } from '../control/status.ts';
import type { HeldGeneration } from './run-worker.ts';
import type { PreparedGeneration } from './worker-message.ts';

export interface PrepareRequest {
  readonly signal: AbortSignal;
  /** Whether each block is checked, also where the recipe is the one that is shown. */
  readonly isThorough: boolean;
  readonly onProgress: (progress: RefreshProgress) => void;
}

export interface PublishResult {
  readonly result: 'published' | 'unchanged';
  readonly generation: number;
  readonly changes: ImageChanges;
}

export interface RefresherOptions {
  /** What it resolves with is disposed of when it is published. */
  readonly prepare: (request: PrepareRequest) => Promise<HeldGeneration>;
  /** Shows what was prepared, unless it is shown already. */
  readonly publish: (prepared: PreparedGeneration) => Promise<PublishResult>;
  /** The number of the generation that is shown. */
  readonly generation: () => number;
  readonly onEnd: (record: RefreshRecord) => void;
  readonly onStart?: (reason: string) => void;
  /** After the last sign of a change, and after the first. */
  readonly quietMs: number;
  readonly limitMs: number;
  /** After a failure: how long until the next try by itself, doubled with each up to `longestRetryMs`; never where left out. */
  readonly retryMs?: number;
  readonly longestRetryMs?: number;
}

interface Running {
  readonly reason: string;
  readonly startedMs: number;
  progress: RefreshProgress | undefined;
  readonly listeners: Set<(progress: RefreshProgress) => void>;
}

const nothingChanged: ImageChanges = { added: [], removed: [], changed: [] };

export class Refresher {
  readonly #options: RefresherOptions;
  readonly #debounce: Debounce;
  readonly #closing = new AbortController();
  #waitingReason = '';
  #running: Running | undefined;
  /** The last in the row of tries; the next one starts when it has ended. */
  #tail: Promise<unknown> = Promise.resolve();
  #retryTimer: NodeJS.Timeout | undefined;
  #failuresInRow = 0;
  #last: RefreshRecord | undefined;
  #lastSuccessMs: number;
  #totals = { refreshCount: 0, failureCount: 0, encodedSize: 0, reusedSize: 0 };

  constructor(options: RefresherOptions) {
    this.#options = options;
    this.#lastSuccessMs = Date.now();
    this.#debounce = createDebounce(() => {
      const reason = this.#waitingReason;
      this.#waitingReason = '';
      void this.#enqueue(reason, { isThorough: false });
    }, options);
  }

  get state(): MountStatus['refresh'] {
    if (this.#running !== undefined) {
      const { reason, startedMs, progress } = this.#running;
      return { state: 'running', reason, started: new Date(startedMs).toISOString(), progress };
    }
    return this.#debounce.isPending ? { state: 'waiting', reason: this.#waitingReason } : { state: 'idle' };
  }

  get last(): RefreshRecord | undefined {
    return this.#last;
  }

  get lastSuccess(): string {
    return new Date(this.#lastSuccessMs).toISOString();
  }

  get totals(): MountStatus['totals'] {
    return this.#totals;
  }

  /** Something may have changed: look soon. */
  request(reason: string): void {
    if (this.#closing.signal.aborted) return;
    this.#waitingReason ||= reason;
    this.#debounce.call();
  }

  /** Looks now, or as soon as a look that has begun is over: it may have come too early for what the caller has done. */
  refreshNow(reason: string, onProgress?: (progress: RefreshProgress) => void): Promise<RefreshRecord> {
    this.#debounce.cancel();
    this.#waitingReason = '';
    return this.#enqueue(reason, { isThorough: true, onProgress });
  }

  /** Stops what runs, waits for its end, and starts nothing more. */
  async close(): Promise<void> {
    this.#debounce.cancel();
    clearTimeout(this.#retryTimer);
    this.#closing.abort(new BundleError('interrupted', 'Cannot refresh the mount: it is ending'));
    await this.#tail;
  }

  #enqueue(
    reason: string,
    options: { isThorough: boolean; onProgress?: (progress: RefreshProgress) => void },
  ): Promise<RefreshRecord> {
    const result = this.#tail.then(() => this.#run(reason, options));
    this.#tail = result;
    return result;
  }

  async #run(
    reason: string,
    options: { isThorough: boolean; onProgress?: (progress: RefreshProgress) => void },
  ): Promise<RefreshRecord> {
    clearTimeout(this.#retryTimer);
    const running: Running = {
      reason,
      startedMs: Date.now(),
      progress: undefined,
      listeners: new Set(options.onProgress && [options.onProgress]),
    };
    const startMs = performance.now();
    this.#running = running;
    let part: Pick<RefreshRecord, 'result' | 'encodedSize' | 'reusedSize' | 'changes' | 'error'>;
    try {
      part = await this.#attempt(running, options.isThorough);
    } catch (error) {
      part = {
        result: 'failed',
        encodedSize: 0,
        reusedSize: 0,
        changes: nothingChanged,
        error: toFailure(error),
      };
    }
    this.#running = undefined;
    const record: RefreshRecord = {
      ...part,
      reason,
      started: new Date(running.startedMs).toISOString(),
      seconds: Math.round(performance.now() - startMs) / 1000,
      generation: this.#options.generation(),
    };
    if (!this.#closing.signal.aborted) this.#take(record);
    return record;
  }

  async #attempt(
    running: Running,
    isThorough: boolean,
  ): Promise<Pick<RefreshRecord, 'result' | 'encodedSize' | 'reusedSize' | 'changes'>> {
    const { prepare, publish, onStart } = this.#options;
    this.#closing.signal.throwIfAborted();
    onStart?.(running.reason);
    await using prepared = await prepare({
      signal: this.#closing.signal,
      isThorough,
      onProgress: (progress) => {
        running.progress = progress;
        for (const listener of running.listeners) listener(progress);
      },
    });
    this.#closing.signal.throwIfAborted();
    const { result, changes } = await publish(prepared);
    return { result, encodedSize: prepared.encodedSize, reusedSize: prepared.reusedSize, changes };
  }

  #take(record: RefreshRecord): void {
    const { refreshCount, failureCount, encodedSize, reusedSize } = this.#totals;
    const hasFailed = record.result === 'failed';
    this.#last = record;
    this.#totals = {
      refreshCount: refreshCount + 1,
      failureCount: failureCount + (hasFailed ? 1 : 0),
      encodedSize: encodedSize + record.encodedSize,
      reusedSize: reusedSize + record.reusedSize,
    };
    if (hasFailed) {
      this.#scheduleRetry();
    } else {
      this.#lastSuccessMs = Date.now();
      this.#failuresInRow = 0;
    }
    this.#options.onEnd(record);
  }

  /** What was in the way may be gone without any event: a full disk, a network. */
  #scheduleRetry(): void {
    const { retryMs, longestRetryMs = Infinity } = this.#options;
    if (retryMs === undefined) return;
    const delayMs = Math.min(longestRetryMs, retryMs * 2 ** this.#failuresInRow);
    this.#failuresInRow++;
    this.#retryTimer = setTimeout(() => {
      this.request('another try');
    }, delayMs);
  }
}

function toFailure(error: unknown): NonNullable<RefreshRecord['error']> {
  if (!isBundleError(error)) return { code: 'source-failed', message: describeError(error) };
  return { code: error.code, message: error.message, hint: error.hint };
}
