/** Mounts the bundle of a recipe that the cache has: what both the background and the foreground mount do. */
import { openRecipe } from '../bundle/open-bundle.ts';
import type { Cache } from '../blocks/cache.ts';
import type { Digest } from '../digest.ts';
import { BundleError } from '../errors.ts';
import { logError } from '../mount/daemon.ts';
import { mountBundle } from '../mount/mount-bundle.ts';
import type { BundleMount } from '../mount/served-mount.ts';
import { createStick } from '../stick/create-stick.ts';
import { createBundleFiles } from './bundle-files.ts';
import { toolName } from './read-version.ts';

export interface ServeRecipeOptions {
  readonly allowOther: boolean;
  /** The most bytes that a file of the archive may have; the archive is one file where absent. */
  readonly maxPartSize?: number;
  readonly signal: AbortSignal;
}

/** Mounts the bundle of the kept recipe `digest` at `mountPoint`. Throws block-missing where it is not kept, and what mounting throws. */
export async function serveRecipe(
  cache: Cache,
  digest: Digest,
  mountPoint: string,
  options: ServeRecipeOptions,
): Promise<BundleMount> {
  const kept = await cache.findRecipe(digest);
  if (kept?.bundle === undefined) {
    throw new BundleError(
      'block-missing',
      `Cannot mount "${mountPoint}": the cache has no finished recipe ${digest}`,
    );
  }
  const bundle = await openRecipe(cache, kept);
  const { allowOther, maxPartSize, signal } = options;
  const stick = await createStick(bundle, {
    cache,
    tool: toolName(),
    publishedMs: Date.now(),
    signal,
    ...(maxPartSize !== undefined && { maxPartSize }),
  });
  const directory = createBundleFiles(stick);
  return mountBundle(() => directory, mountPoint, { allowOther, signal, onError: logError });
}
