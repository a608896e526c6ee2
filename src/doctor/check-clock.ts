/** Whether the clock can be right: it is later than everything that has happened. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openBuildJournal } from '../cache/build-journal.ts';
import { cachePath, cacheRoot } from '../cache/cache.ts';
import { type CheckContext, type Finding, ok, warning } from './finding.ts';

/** Clocks are set, and hosts that share a cache differ a little. */
const toleranceMs = 5 * 60_000;
const cure = 'timedatectl set-ntp true, or set it by hand: sudo date -s "YYYY-MM-DD HH:MM"';

/** A wrong clock makes wrong times in bundles, and `cache gc --older-than` remove the wrong blocks. */
export async function checkClock(context: CheckContext): Promise<Finding[]> {
  const { nowMs } = context;
  for (const { what, timeMs } of await listPastEvents(context)) {
    if (timeMs - nowMs <= toleranceMs) continue;
    return [warning('clock', `${formatTime(nowMs)} is before ${what}, ${formatTime(timeMs)}`, cure)];
  }
  return [ok('clock', formatTime(nowMs))];
}

interface PastEvent {
  readonly what: string;
  readonly timeMs: number;
}

async function listPastEvents({ cache, environment }: CheckContext): Promise<PastEvent[]> {
  const { mtimeMs } = await stat(fileURLToPath(import.meta.url));
  const events = [{ what: 'this program was built', timeMs: mtimeMs }];
  try {
    const root = cacheRoot(cachePath(cache, environment));
    const journal = openBuildJournal(join(root, 'builds'), join(root, 'partial'));
    const [last] = await journal.listBuilds({ limit: 1 });
    if (last !== undefined) {
      events.push({ what: 'the last build in the journal ended', timeMs: Date.parse(last.endedAt) });
    }
  } catch {
    // A cache that cannot be read is told of elsewhere.
  }
  return events;
}

function formatTime(timeMs: number): string {
  return `${new Date(timeMs).toISOString().slice(0, 19).replace('T', ' ')}Z`;
}
