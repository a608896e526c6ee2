/** What `bundlefs stream` does. */
import { BundleError } from '../../../ground/errors.ts';
import { writeToStream } from '../../../place/file/write-to-stream.ts';
import { standardOutput } from '../../../ground/print.ts';
import type { Selection } from '../../../request/resolve-selection.ts';
import { openChosenCache, prepareChosenBundle } from '../../../request/made/bundle.ts';
import { prepareArchive } from '../../../request/made/archive.ts';
import { chooseFormat, type FormatOptions } from '../../../request/bundle-format.ts';
import type { Settings } from '../../../request/settings.ts';
import { startProgress } from '../../../request/made/progress.ts';

export interface StreamOptions extends Settings, FormatOptions {
  readonly tar?: boolean;
}

/** Makes the bundle and writes it to standard output. Throws terminal-output where that is a terminal. */
export async function runStream(
  selection: Selection,
  options: StreamOptions,
  signal: AbortSignal,
): Promise<void> {
  if (standardOutput.isTTY) {
    throw new BundleError('terminal-output', 'Cannot stream the bundle: standard output is a terminal', {
      hint: 'Pipe it into a loader (bundlefs stream … | docker load), or write a file with bundlefs build -o FILE.',
    });
  }
  const format = chooseFormat(options);
  const cache = await openChosenCache(options);
  await using bundle = await prepareChosenBundle(selection, options, cache, signal, 'stream');
  const file =
    options.tar === true
      ? bundle.tar
      : (await prepareArchive(selection, bundle, cache, format, { signal })).file;
  using progress = startProgress({ label: 'streaming' });
  standardOutput.removeAllListeners('error'); // what goes wrong with it is thrown here
  await writeToStream(file, standardOutput, {
    signal,
    onProgress: (done, total) => {
      progress.show(done, total);
    },
  });
}
