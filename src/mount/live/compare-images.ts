/** What is different between the images of two generations. */
import type { ImageChanges, ImageSummary } from '../control/status.ts';

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
