/** Pairs what is old with what is new by what they have in common, in linear time. */
import { groupBy } from '../ground/group-by.ts';

/**
 * For those of `after`, in their order, the first of `before` that has a key in common and that none before it took:
 * the new one and its old one.
 */
export function pairInOrder<Item, Key>(
  before: Iterable<Item>,
  after: Iterable<Item>,
  keysOf: (item: Item) => Iterable<Key>,
): Map<Item, Item> {
  const entries = [...before].flatMap((item, position) =>
    [...new Set(keysOf(item))].map((key) => ({ key, item, position })),
  );
  // Last first, so that the first one can be taken off the end.
  const queues = groupBy(entries.reverse(), ({ key }) => key);
  const taken = new Set<Item>();
  const findFirst = (key: Key): (typeof entries)[number] | undefined => {
    const queue: typeof entries = queues.get(key) ?? [];
    for (let last = queue.at(-1); last !== undefined; last = queue.at(-1)) {
      if (!taken.has(last.item)) return last;
      queue.pop();
    }
    return undefined;
  };
  const pairs = new Map<Item, Item>();
  for (const image of after) {
    let first: (typeof entries)[number] | undefined;
    for (const key of new Set(keysOf(image))) {
      const found = findFirst(key);
      if (found !== undefined && found.position < (first?.position ?? Infinity)) first = found;
    }
    if (first === undefined) continue;
    pairs.set(image, first.item);
    taken.add(first.item);
  }
  return pairs;
}
