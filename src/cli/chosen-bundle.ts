/** The bundle that the options of a verb ask for. */
import { type Cache, cachePath, openCache } from '../blocks/cache.ts';
import { prepareBundle, type PreparedBundle } from '../bundle/prepare-bundle.ts';
import { parseReference } from '../image/reference.ts';
import { openSource } from '../sources/open-source.ts';
import { formatSize } from './format-text.ts';
import type { ImageOptions } from './image-options.ts';
import { startProgress } from './progress.ts';

/** Opens the cache that the options name. */
export async function openChosenCache(options: Pick<ImageOptions, 'cache'>): Promise<Cache> {
  return openCache(cachePath(options.cache, process.env));
}

/** Prepares the bundle of `names` as the options say, with progress on a terminal. */
export async function prepareChosenBundle(
  names: readonly string[],
  options: ImageOptions,
  cache: Cache,
  signal: AbortSignal,
): Promise<PreparedBundle> {
  const references = names.map((name) => parseReference(name));
  const source = await openSource(options.from, {
    signal,
    ...(options.platform !== undefined && { platform: options.platform }),
  });
  try {
    using progress = startProgress({ label: 'reading' });
    return await prepareBundle({
      source,
      references,
      cache,
      profile: { ...options.preset, check: options.check },
      signal,
      onProgress: ({ readSize, totalSize, encodedSize, reusedSize }) => {
        progress.show(readSize, totalSize, describeEncoding(readSize, encodedSize, reusedSize));
      },
    });
  } finally {
    await source.close();
  }
}

/** What was read and is neither encoded nor found yet. Of an archive compressed as a whole that is not known, and not shown. */
function describeEncoding(readSize: number, encodedSize: number, reusedSize: number): string {
  const leftSize = readSize - encodedSize - reusedSize;
  const left = leftSize > 0 ? [`${formatSize(leftSize)} to encode`] : [];
  return [...left, `encoded ${formatSize(encodedSize)}`, `reused ${formatSize(reusedSize)}`].join(', ');
}
