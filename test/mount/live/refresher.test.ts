import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { BundleError } from '../../../src/ground/errors.ts';
import { Refresher, type PrepareRequest } from '../../../src/mount/live/refresher.ts';
import type { RefreshRecord } from '../../../src/mount/control/status.ts';
import type { HeldGeneration } from '../../../src/mount/live/run-worker.ts';

let releasedCount = 0;
const prepared: HeldGeneration = {
  [Symbol.asyncDispose]: () => {
    releasedCount++;
    return Promise.resolve();
  },
  recipe: 'r',
  encodedSize: 5,
  reusedSize: 7,
  encodedBlockCount: 1,
  reusedBlockCount: 1,
  files: [],
  report: {},
  summary: '',
};

interface Bench {
  readonly refresher: Refresher;
  readonly ended: RefreshRecord[];
  readonly requests: PrepareRequest[];
  /** Lets the oldest try that waits succeed, or fail. */
  readonly finish: (error?: BundleError) => Promise<void>;
}

function createBench(): Bench {
  const ended: RefreshRecord[] = [];
  const requests: PrepareRequest[] = [];
  const waiting: { resolve: (value: HeldGeneration) => void; reject: (error: unknown) => void }[] = [];
  const refresher = new Refresher({
    prepare: (request) => {
      requests.push(request);
      return new Promise((resolve, reject) => {
        waiting.push({ resolve, reject });
        request.signal.addEventListener('abort', () => {
          reject(request.signal.reason as Error);
        });
      });
    },
    publish: () =>
      Promise.resolve({
        result: 'published',
        generation: 2,
        changes: { added: [], removed: [], changed: ['a'] },
      }),
    generation: () => 2,
    onEnd: (record) => ended.push(record),
    quietMs: 100,
    limitMs: 1000,
    retryMs: 60_000,
    longestRetryMs: 100_000,
  });
  return {
    refresher,
    ended,
    requests,
    async finish(error) {
      const [next] = waiting.splice(0, 1);
      if (error === undefined) next?.resolve(prepared);
      else next?.reject(error);
      await vi.advanceTimersByTimeAsync(0);
    },
  };
}

beforeEach(() => {
  releasedCount = 0;
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it('makes one try of many requests, and another one of those that come while it runs', async () => {
  const { refresher, requests, finish, ended } = createBench();
  refresher.request('first');
  refresher.request('second');
  expect(refresher.state).toMatchObject({ state: 'waiting', reason: 'first' });
  await vi.advanceTimersByTimeAsync(100);
  expect(refresher.state).toMatchObject({ state: 'running', reason: 'first' });
  refresher.request('third');
  await vi.advanceTimersByTimeAsync(100);
  expect(requests).toHaveLength(1); // never two at once
  await finish();
  expect(requests).toHaveLength(2);
  await finish();
  expect(ended.map(({ reason, result }) => [reason, result])).toEqual([
    ['first', 'published'],
    ['third', 'published'],
  ]);
  expect(refresher.totals).toEqual({ refreshCount: 2, failureCount: 0, encodedSize: 10, reusedSize: 14 });
  expect(requests.map(({ isThorough }) => isThorough)).toEqual([false, false]);
  expect(releasedCount).toBe(2);
});

it('looks anew for somebody who asks while a try runs, and checks everything', async () => {
  const { refresher, requests, finish } = createBench();
  refresher.request('event');
  await vi.advanceTimersByTimeAsync(100);
  let record: RefreshRecord | undefined;
  void refresher.refreshNow('asked for').then((value) => (record = value));
  await finish();
  expect(record).toBeUndefined();
  await finish();
  expect(record).toMatchObject({ reason: 'asked for', result: 'published' });
  expect(requests.map(({ isThorough }) => isThorough)).toEqual([false, true]);
});

it('tells of a failure and tries again by itself, later each time, until it succeeds', async () => {
  const { refresher, requests, finish, ended } = createBench();
  const failure = new BundleError('image-not-found', 'Cannot find image "a"', { hint: 'Pull it.' });
  refresher.request('event');
  await vi.advanceTimersByTimeAsync(100);
  await finish(failure);
  expect(ended.at(-1)).toMatchObject({
    result: 'failed',
    generation: 2,
    error: { code: 'image-not-found', message: 'Cannot find image "a"', hint: 'Pull it.' },
  });
  const success = refresher.lastSuccess;
  await vi.advanceTimersByTimeAsync(60_100);
  expect(requests).toHaveLength(2);
  await finish(failure);
  await vi.advanceTimersByTimeAsync(60_100);
  expect(requests).toHaveLength(2); // it is the limit, 100 seconds, now
  await vi.advanceTimersByTimeAsync(40_100);
  expect(requests).toHaveLength(3);
  expect(refresher.lastSuccess).toBe(success);
  await finish();
  await vi.advanceTimersByTimeAsync(1_000_000);
  expect(requests).toHaveLength(3);
  expect(refresher.totals).toMatchObject({ refreshCount: 3, failureCount: 2 });
});

it('ends a try that runs when it is closed, counts it as none, and begins no other', async () => {
  const { refresher, requests, ended } = createBench();
  const asked = refresher.refreshNow('asked for');
  await vi.advanceTimersByTimeAsync(0);
  await refresher.close();
  expect(await asked).toMatchObject({ result: 'failed', error: { code: 'interrupted' } });
  refresher.request('later');
  await vi.advanceTimersByTimeAsync(10_000);
  expect(await refresher.refreshNow('later')).toMatchObject({ result: 'failed' });
  expect(requests).toHaveLength(1);
  expect(ended).toEqual([]);
});
