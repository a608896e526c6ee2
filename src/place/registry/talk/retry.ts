/** When to try again, and how long to wait before. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { IncomingHttpHeaders } from 'node:http';

export interface RetryRule {
  /** How often in a row something may fail before it is given up. */
  readonly attempts: number;
  /** Before the second attempt; doubled for each further one. */
  readonly firstDelayMs: number;
  readonly longestDelayMs: number;
  /** Waits. Throws where `signal` is aborted. */
  readonly wait: (delayMs: number, signal: AbortSignal | undefined) => Promise<void>;
}

/** Half a second, one, two, four: a registry that restarts is back by then. */
export const defaultRetryRule: RetryRule = {
  attempts: 5,
  firstDelayMs: 500,
  longestDelayMs: 60_000,
  async wait(delayMs, signal) {
    await sleep(delayMs, undefined, signal && { signal });
  },
};

/** Whether an answer of this status may be another one later (RFC 9110 §15.5.9, §15.6; RFC 6585 §4). */
export function isRetryStatus(status: number): boolean {
  return [408, 429, 500, 502, 503, 504].includes(status);
}

/** The wait after `failures` failures in a row, 1 or more; undefined where that were too many, or too long. */
export function findDelayMs(rule: RetryRule, failures: number, wantedMs?: number): number | undefined {
  if (failures >= rule.attempts) return undefined;
  const delayMs = wantedMs ?? Math.min(rule.firstDelayMs * 2 ** (failures - 1), rule.longestDelayMs);
  return delayMs <= rule.longestDelayMs ? delayMs : undefined;
}

/** What `Retry-After` asks for, in milliseconds: seconds, or a date (RFC 9110 §10.2.3). */
export function findRetryAfterMs(headers: IncomingHttpHeaders, nowMs: number): number | undefined {
  const text = headers['retry-after']?.trim();
  if (text === undefined || text === '') return undefined;
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const dateMs = Date.parse(text);
  return Number.isNaN(dateMs) ? undefined : Math.max(0, dateMs - nowMs);
}
