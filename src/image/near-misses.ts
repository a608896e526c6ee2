/** What a user may have meant: the known names closest to one that was not found. */
import { familiarName } from './reference.ts';

const mostShown = 5;

/**
 * At most five of `known` (fully qualified or short), as docker shows them, the likeliest first: other tags of the
 * same repository, then names that differ by few letters.
 */
export function findNearMisses(wanted: string, known: readonly string[]): string[] {
  const name = familiarName(wanted);
  const ranked = [...new Set(known.map((other) => familiarName(other)))]
    .map((other) => ({
      other,
      distance: distanceBetween(name, other),
      letterDistance: editDistance(name, other),
    }))
    .filter(({ distance }) => distance <= Math.max(2, name.length / 5));
  ranked.sort(
    (a, b) => a.distance - b.distance || a.letterDistance - b.letterDistance || (a.other < b.other ? -1 : 1),
  );
  return ranked.slice(0, mostShown).map(({ other }) => other);
}

function distanceBetween(a: string, b: string): number {
  const sameRepository = repositoryOf(a) === repositoryOf(b);
  return sameRepository
    ? 0
    : Math.min(editDistance(a, b), 1 + editDistance(repositoryOf(a), repositoryOf(b)));
}

function repositoryOf(name: string): string {
  const colon = name.lastIndexOf(':');
  return colon > name.lastIndexOf('/') ? name.slice(0, colon) : name;
}

/** Letters to insert, delete, replace or swap with their neighbour (optimal string alignment), one row at a time. */
export function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 0; i < a.length; i += 1) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j += 1) {
      const change = (row[j] ?? 0) + (a[i] === b[j] ? 0 : 1);
      const isSwap = i > 0 && a[i] === b[j - 1] && a[i - 1] === b[j];
      const swap = isSwap ? (before[j - 1] ?? Infinity) + 1 : Infinity;
      next.push(Math.min(change, swap, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}
