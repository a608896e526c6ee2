/** Whether the disk of the cache has room for what a source says that it will send. */
import { withCacheErrors } from '../cache/cache-error.ts';
import type { Cache } from '../cache/cache.ts';
import { findFreeSpace } from '../disk/free-space.ts';
import { BundleError } from '../ground/errors.ts';
import { formatSize } from '../ground/format-text.ts';
import type { CheckRoomOptions } from '../image/image-source.ts';
import { surveyCache } from '../cache/upkeep/survey-cache.ts';

/** What is not compressed may take a hundredth here: text takes a fifth, and zeros next to nothing. */
const mostRatio = 100;

/**
 * Throws cache-full where `size` bytes are more than the disk of `cache` has free and the cache has already, whose blocks
 * may be all that is needed.
 */
export async function checkRoom(
  cache: Cache,
  size: number,
  { label, isCompressed }: CheckRoomOptions,
): Promise<void> {
  const least = isCompressed ? size : size / mostRatio;
  const free = await withCacheErrors('look at the disk of', cache.root, () => findFreeSpace(cache.root));
  if (least <= free || least <= free + (await surveyCache(cache, Date.now())).size) return;
  throw new BundleError(
    'cache-full',
    `Cannot take ${label}: it is said to have ${formatSize(size)}, and the disk of the cache "${cache.root}" has ${formatSize(free)} free`,
    { hint: 'Make room there: bundlefs cache gc. Or name a cache on another disk with --cache.' },
  );
}
