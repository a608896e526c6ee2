/** The images of a bundle in the engine that the options of a verb name. */
import { findPlace } from '../../place/place.ts';
import { openTarWithout } from '../../bundle/bundle-parts.ts';
import type { Bundle } from '../../bundle/open-bundle.ts';
import { type LoadedImage, loadIntoEngine } from '../../place/engine/load-into-engine.ts';
import { startProgress } from './progress.ts';

/** Loads the bundle into the engine that `into` names, with progress on a terminal. */
export async function loadBundle(
  bundle: Bundle,
  into: string | undefined,
  signal: AbortSignal,
): Promise<LoadedImage[]> {
  const host = hostOf(into);
  using progress = startProgress({ label: 'loading' });
  return await loadIntoEngine(bundle.tar, bundle.images, {
    host,
    openWithout: (omitted) => openTarWithout(bundle, omitted),
    manifestDigests: bundle.assembled.manifestDigests,
    signal,
    onProgress: (done, total) => {
      progress.show(done, total);
    },
  });
}

/** `--into` also takes the host alone. */
function hostOf(into: string | undefined): string | undefined {
  const place = findPlace(into);
  return place?.kind === 'engine' ? place.host : into;
}
