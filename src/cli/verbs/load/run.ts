/** What `bundlefs load` does. */
import type { Bundle } from '../../../bundle/open-bundle.ts';
import { openTarWithout } from '../../../bundle/bundle-parts.ts';
import { type LoadedImage, loadIntoEngine } from '../../../place/engine/load-into-engine.ts';
import type { Selection } from '../../../request/resolve-selection.ts';
import { openChosenCache, prepareChosenBundle } from '../../../request/made/bundle.ts';
import type { Settings } from '../../../request/settings.ts';
import { formatTable } from '../../../ground/format-text.ts';
import { printJson, printLines } from '../../../ground/print.ts';
import { startProgress } from '../../../request/made/progress.ts';

export interface LoadOptions extends Settings {
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
  const loaded = await loadWithProgress(bundle, options.into, signal);
  if (options.json === true) printJson({ images: loaded });
  else printLines(loadedToText(loaded));
}

/** Loads the bundle into the engine that `into` names, with progress on a terminal. */
export async function loadWithProgress(
  bundle: Bundle,
  into: string | undefined,
  signal: AbortSignal,
): Promise<LoadedImage[]> {
  const host = hostOf(into);
  using progress = startProgress({ label: 'loading' });
  return await loadIntoEngine(bundle.tar, bundle.images, {
    ...(host !== undefined && { host }),
    openWithout: (omitted) => openTarWithout(bundle, omitted),
    manifestDigests: bundle.assembled.manifestDigests,
    signal,
    onProgress: (done, total) => {
      progress.show(done, total);
    },
  });
}

export function loadedToText(loaded: readonly LoadedImage[]): string[] {
  return formatTable(
    ['image', 'id', ''],
    loaded.map(({ name, id, status }) => [name, id.slice(7, 19), status]),
  );
}

/** `docker` and `docker:HOST`, as `--from` has them, or the host alone. */
function hostOf(into: string | undefined): string | undefined {
  if (into === 'docker' || into === 'docker:') return undefined;
  return into?.replace(/^docker:(?!\/\/)/, '');
}
