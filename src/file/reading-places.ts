/** Tells readers that go forwards from those that jump about, without knowing who reads. */

/** As many readers of one file can go forwards at once. */
const placeCount = 32;

export interface ReadingPlaces {
  /** Notes a read from `start` to `end`, and returns whether it goes on where an earlier one ended. */
  take(start: number, end: number): boolean;
}

export function createReadingPlaces(): ReadingPlaces {
  const ends = new Set<number>(); // the oldest first
  return {
    take(start, end) {
      const isForwards = ends.delete(start);
      ends.add(end);
      if (ends.size > placeCount) {
        const [oldest] = ends;
        if (oldest !== undefined) ends.delete(oldest);
      }
      return isForwards;
    },
  };
}
