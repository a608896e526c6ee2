/** Promise.all for work that takes file descriptors: so many at once and no more. */

/** The results of `work` on each item, in the order of the items. Rejects with the first error; starts nothing new after it. */
export async function mapWithLimit<T, U>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<U>,
): Promise<U[]> {
  const results: U[] = [];
  let hasFailed = false;
  const entries = items.entries();
  const takeNext = async (): Promise<void> => {
    for (const [index, item] of entries) {
      if (hasFailed) return;
      try {
        results[index] = await work(item);
      } catch (error) {
        hasFailed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, takeNext));
  return results;
}
