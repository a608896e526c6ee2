/** The base that `--base` names, once or several times. */
import type { Cache } from '../blocks/cache.ts';
import { type DeltaBase, readBaseBundle } from '../delta/delta-base.ts';
import { findBase } from '../delta/open-base.ts';
import { BundleError } from '../errors.ts';
import { prepareChosenBundle } from './chosen-bundle.ts';
import { chooseImages } from './choose-images.ts';
import type { ImageOptions } from './image-options.ts';
import { startProgress } from './progress.ts';

/**
 * One bundle, however it is named, or the bundle that `build` makes of the images named. Throws invalid-argument, and
 * what opening and preparing throw.
 */
export async function chooseBase(
  names: readonly string[],
  options: ImageOptions,
  cache: Cache,
  signal: AbortSignal,
): Promise<DeltaBase> {
  for (const name of names) {
    if (name === 'docker' || name.startsWith('docker:')) throw engineAsBase(name);
  }
  const [first] = names;
  if (names.length === 1 && first !== undefined) {
    using progress = startProgress({ label: 'reading the base' });
    const base = await findBase(first, {
      cache,
      signal,
      onRead: (done, total) => {
        progress.show(done, total);
      },
    });
    if (base !== undefined) return base;
  }
  const { selection } = await chooseImages(names, { config: false });
  await using bundle = await prepareChosenBundle(selection, options, cache, signal, 'delta');
  return await readBaseBundle(bundle, names.join(', '), { signal });
}

function engineAsBase(name: string): BundleError {
  return new BundleError(
    'invalid-argument',
    `Cannot take the engine "${name}" as the base: a delta needs the target's images.tar.xz, and an engine keeps none`,
    {
      hint: 'Name the bundle that the target has. Where that is lost, and its images are in an engine: --for KIND',
    },
  );
}
