/** The bundle that the options of a verb ask for. */
import { type Cache, cachePath, openCache } from '../blocks/cache.ts';
import { prepareBundle, type PreparedBundle } from '../bundle/prepare-bundle.ts';
import type { Selection } from '../selection/resolve-selection.ts';
import { openSource } from '../sources/open-source.ts';
import { formatSize } from './format-text.ts';
import type { ImageOptions } from './image-options.ts';
import { startProgress } from './progress.ts';

/** Opens the cache that the options name. */
export async function openChosenCache(options: Pick<ImageOptions, 'cache'>): Promise<Cache> {
  return openCache(cachePath(options.cache, process.env));
}

/** Prepares the bundle of `selection` as the options say, with progress on a terminal. */
export async function prepareChosenBundle(
  selection: Selection,
  options: ImageOptions,
  cache: Cache,
  signal: AbortSignal,
): Promise<PreparedBundle> {
  const source = await openSource(options.from, {
    signal,
    ...(options.platform !== undefined && { platform: options.platform }),
  });
  try {
    using progress = startProgress({ label: 'reading' });
    return await prepareBundle({
      source,
      references: selection.patterns,
      tagRules: selection.tagAs,
      cache,
      profile: { ...options.preset, check: options.check },
      signal,
      onProgress: ({ readSize, totalSize, encodedSize, reusedSize }) => {
        const note = `encoded ${formatSize(encodedSize)}, reused ${formatSize(reusedSize)}`;
        progress.show(readSize, totalSize, note);
      },
    });
  } finally {
    await source.close();
  }
}
