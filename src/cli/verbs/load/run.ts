/** What `bundlefs load` does. */
import type { Selection } from '../../../request/resolve-selection.ts';
import { openChosenCache, prepareChosenBundle } from '../../../request/made/bundle.ts';
import type { Settings } from '../../../request/settings.ts';
import { printJson, printLines } from '../../../ground/print.ts';
import { loadBundle } from '../../../request/made/loaded.ts';
import { loadedToText } from '../../output/loaded-to-text.ts';

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
  const loaded = await loadBundle(bundle, options.into, signal);
  if (options.json === true) printJson({ images: loaded });
  else printLines(loadedToText(loaded));
}
