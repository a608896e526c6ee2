/** What `push(...many)` and `Math.max(...many)` are for, with lists of any length: a call takes some 120,000 arguments. */

/** Appends `items` to `target`, however many they are. */
export function appendAll<Item>(target: Item[], items: Iterable<Item>): void {
  for (const item of items) target.push(item);
}

/** The largest of `numbers`, and no less than `least`. */
export function largestOf(numbers: Iterable<number>, least = -Infinity): number {
  let largest = least;
  for (const number of numbers) if (number > largest) largest = number;
  return largest;
}
