/** The bundle that the options of a verb ask for. */
import { type Cache, cachePath, openCache } from '../blocks/cache.ts';
import { type RecordedBundle, recordBuild } from '../bundle/record-build.ts';
import { collectAutomatically } from '../bundle/collect-automatically.ts';
import { parseReference } from '../image/reference.ts';
import { openSource } from '../sources/open-source.ts';
import { formatSize } from './format-text.ts';
import type { ImageOptions } from './image-options.ts';
import { automaticLimits } from './limit-options.ts';
import { startProgress } from './progress.ts';
import { readVersion } from './read-version.ts';

/** Opens the cache that the options name. */
export async function openChosenCache(options: Pick<ImageOptions, 'cache'>): Promise<Cache> {
  return openCache(cachePath(options.cache, process.env));
}

/** Prepares the bundle of `names` for `verb` as the options say, with progress on a terminal and an entry in the journal. */
export async function prepareChosenBundle(
  names: readonly string[],
  options: ImageOptions,
  cache: Cache,
  signal: AbortSignal,
  verb: string,
): Promise<RecordedBundle> {
  const limits = automaticLimits({}, process.env);
  const references = names.map((name) => parseReference(name));
  const source = await openSource(options.from, {
    signal,
    ...(options.platform !== undefined && { platform: options.platform }),
  });
  try {
    using progress = startProgress({ label: 'reading' });
    const bundle = await recordBuild(
      {
        source,
        references,
        cache,
        profile: { ...options.preset, check: options.check },
        signal,
        onProgress: ({ readSize, totalSize, encodedSize, reusedSize }) => {
          const note = `encoded ${formatSize(encodedSize)}, reused ${formatSize(reusedSize)}`;
          progress.show(readSize, totalSize, note);
        },
      },
      { verb, version: readVersion() },
    );
    await collectAutomatically(cache, limits, { addedSize: bundle.statistics.encodedSize });
    return bundle;
  } finally {
    await source.close();
  }
}
