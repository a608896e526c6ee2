/** What `bundlefs load` does. */
import { openTarWithout } from '../delta/tar-without.ts';
import { loadIntoEngine } from '../outputs/load-into-engine.ts';
import type { Selection } from '../selection/resolve-selection.ts';
import { openChosenCache, prepareChosenBundle } from './chosen-bundle.ts';
import type { ImageOptions } from './image-options.ts';
import { formatTable } from './format-text.ts';
import { startProgress } from './progress.ts';

export interface LoadOptions extends ImageOptions {
  readonly into?: string;
  readonly json?: boolean;
}

/** Makes the bundle, loads it into the engine and prints what became of each image. */
export async function runLoad(
  selection: Selection,
  options: LoadOptions,
  signal: AbortSignal,
): Promise<void> {
  const cache = await openChosenCache(options);
  await using bundle = await prepareChosenBundle(selection, options, cache, signal, 'load');
  using progress = startProgress({ label: 'loading' });
  const loaded = await loadIntoEngine(bundle.tar, bundle.images, {
    ...(options.into !== undefined && { host: options.into }),
    openWithout: (omitted) => openTarWithout(bundle, omitted),
    manifestDigests: bundle.assembled.manifestDigests,
    signal,
    onProgress: (done, total) => {
      progress.show(done, total);
    },
  });
  progress[Symbol.dispose]();
  const text =
    options.json === true
      ? JSON.stringify({ images: loaded })
      : formatTable(
          ['image', 'id', ''],
          loaded.map(({ name, id, status }) => [name, id.slice(7, 19), status]),
        );
  process.stdout.write(`${text}\n`);
}
