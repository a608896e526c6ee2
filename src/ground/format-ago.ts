/** Points in time as people say them. */
import { formatDuration } from './format-text.ts';

/** `2026-11-25 10:00:00Z (3:05 ago)` for a time in ISO 8601. */
export function formatAgo(time: string, nowMs: number): string {
  const date = new Date(time);
  const text = `${date.toISOString().slice(0, 19).replace('T', ' ')}Z`;
  return `${text} (${formatDuration(Math.max(0, nowMs - date.getTime()) / 1000)} ago)`;
}
