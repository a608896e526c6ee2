/** The images of a bundle in the engine that the options of a verb name. */
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
    ...(host !== undefined && { host }),
    openWithout: (omitted) => openTarWithout(bundle, omitted),
    manifestDigests: bundle.assembled.manifestDigests,
    signal,
    onProgress: (done, total) => {
      progress.show(done, total);
    },
  });
}

/** `docker` and `docker:HOST`, as `--from` has them, or the host alone. */
function hostOf(into: string | undefined): string | undefined {
  if (into === 'docker' || into === 'docker:') return undefined;
  return into?.replace(/^docker:(?!\/\/)/, '');
}
