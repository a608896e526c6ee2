/** Mounts the bundle of a recipe that the cache has: what both the background and the foreground mount do. */
import { openRecipe } from '../bundle/open-bundle.ts';
import type { Cache } from '../blocks/cache.ts';
import { type Digest, findDigestOfHex } from '../digest.ts';
import { BundleError } from '../errors.ts';
import { logError } from '../mount/daemon.ts';
import { mountBundle } from '../mount/mount-bundle.ts';
import type { BundleMount } from '../mount/served-mount.ts';
import { createBundleFiles } from './bundle-files.ts';

export interface ServeRecipeOptions {
  readonly allowOther: boolean;
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
  const bundleDigest = kept?.bundle && findDigestOfHex(kept.bundle.sha256);
  if (kept === undefined || bundleDigest === undefined) {
    throw new BundleError(
      'block-missing',
      `Cannot mount "${mountPoint}": the cache has no finished recipe ${digest}`,
    );
  }
  const bundle = await openRecipe(cache, kept);
  const directory = createBundleFiles(bundle.xz, bundleDigest, await cache.recipeTimeMs(digest));
  return mountBundle(() => directory, mountPoint, { ...options, onError: logError });
}
