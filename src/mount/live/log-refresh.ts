/** The log's line for a refresh that is over. */
import type { Log } from '../control/log.ts';
import type { RefreshRecord } from '../control/status.ts';

export function logRefresh(log: Log, record: RefreshRecord): void {
  const { result, reason, seconds, generation, error, changes, encodedSize, reusedSize } = record;
  const details = { reason, seconds, generation };
  if (error !== undefined) {
    const { code, hint, message } = error;
    log.warn(`refresh failed, the mount stays as it is: ${message}`, { ...details, code, hint });
  } else if (result === 'unchanged') {
    log.info('refresh found nothing new', details);
  } else {
    log.info('new generation published', {
      ...details,
      encodedBytes: encodedSize,
      reusedBytes: reusedSize,
      added: listNames(changes.added),
      changed: listNames(changes.changed),
      removed: listNames(changes.removed),
    });
  }
}

function listNames(names: readonly string[]): string | undefined {
  return names.length === 0 ? undefined : names.join(',');
}
