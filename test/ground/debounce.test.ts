import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createDebounce } from '../../src/ground/debounce.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it('runs once, when nothing has come for the quiet time', () => {
  const action = vi.fn();
  const debounce = createDebounce(action, { quietMs: 2000, limitMs: 30_000 });
  debounce.call();
  vi.advanceTimersByTime(1999);
  debounce.call();
  vi.advanceTimersByTime(1999);
  expect(action).not.toHaveBeenCalled();
  expect(debounce.isPending).toBe(true);
  vi.advanceTimersByTime(1);
  expect(action).toHaveBeenCalledTimes(1);
  expect(debounce.isPending).toBe(false);
  vi.advanceTimersByTime(60_000);
  expect(action).toHaveBeenCalledTimes(1);
});

it('runs at the limit although calls never stop, and counts the limit from the first of the next row', () => {
  const action = vi.fn();
  const debounce = createDebounce(action, { quietMs: 2000, limitMs: 30_000 });
  for (let second = 0; second < 45; second++) {
    debounce.call();
    vi.advanceTimersByTime(1000);
  }
  expect(action).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(2000);
  expect(action).toHaveBeenCalledTimes(2);
});

it('forgets what waits when it is cancelled', () => {
  const action = vi.fn();
  const debounce = createDebounce(action, { quietMs: 10, limitMs: 10 });
  debounce.call();
  debounce.cancel();
  vi.advanceTimersByTime(100);
  expect(action).not.toHaveBeenCalled();
});
