/** The log's line for a refresh that is over. */
import type { Log } from '../control/log.ts';
import type { ImageChanges, ImageSummary, RefreshRecord } from '../control/status.ts';

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

/** Compares by name; an image without a name goes by its id. Lists are sorted. */
export function compareImages(before: readonly ImageSummary[], after: readonly ImageSummary[]): ImageChanges {
  const old = idsByName(before);
  const now = idsByName(after);
  const names = [...new Set([...old.keys(), ...now.keys()])].sort();
  return {
    added: names.filter((name) => !old.has(name)),
    removed: names.filter((name) => !now.has(name)),
    changed: names.filter((name) => old.has(name) && now.has(name) && old.get(name) !== now.get(name)),
  };
}

function idsByName(images: readonly ImageSummary[]): ReadonlyMap<string, string> {
  return new Map(
    images.flatMap(({ names, id }) => (names.length === 0 ? [id] : names).map((name) => [name, id] as const)),
  );
}
