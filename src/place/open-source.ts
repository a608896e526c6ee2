/** Opens the source that `--from` names. */
import { BundleError } from '../ground/errors.ts';
import { checkPlace } from './check-place.ts';
import { createArchiveSource } from './archive/archive-source.ts';
import { createStreamSource, type StandardInput } from './archive/stream-source.ts';
import type { ImageSource } from '../image/image-source.ts';
import { createOciFolderSource } from './archive/oci-folder-source.ts';
import { wishPlatform } from './platform-wish.ts';
import type { Cache } from '../cache/cache.ts';
import { parsePlace } from './place.ts';
import { createRecipeSource } from './recipe/recipe-source.ts';

export interface OpenSourceOptions {
  readonly signal?: AbortSignal | undefined;
  /** `linux/arm64`: what images must be for. If left out, that of the host is taken of images for several. */
  readonly platform?: string | undefined;
  /** What `-` reads; process.stdin if left out. */
  readonly input?: StandardInput | undefined;
  /** A recipe takes layers from it that were encoded with another profile. */
  readonly cache?: Cache | undefined;
}

/**
 * The source that `from` names, as parsePlace reads it. Throws invalid-argument, archive-not-found, archive-empty,
 * archive-unsupported, source-unreachable, source-failed.
 */
export async function openSource(
  from: string | undefined,
  options: OpenSourceOptions = {},
): Promise<ImageSource> {
  const { signal, platform, input = process.stdin, cache } = options;
  const place = parsePlace(from);
  const wish = wishPlatform(platform);
  await checkPlace(place);
  switch (place.kind) {
    case 'registry': {
      const { openRegistrySource } = await import('./registry/registry-source.ts');
      return openRegistrySource(place.address, wish);
    }
    case 'engine': {
      // Other sources do without the engine's client.
      const { openEngineSource } = await import('./engine/engine-source.ts');
      return openEngineSource({ wish, host: place.host, signal });
    }
    case 'stream':
      return createStreamSource(input, wish);
    case 'oci-folder':
      return createOciFolderSource(place.path, wish);
    case 'recipe':
      return createRecipeSource(place.path, {
        wish,
        openOrigin: (origin) => openOrigin(origin, options),
        cache,
      });
    case 'archive':
      return createArchiveSource(place.path, wish);
  }
}

/** What a recipe names is read for what the cache lacks. Throws archive-unsupported for what `describe` never writes. */
async function openOrigin(origin: string, options: OpenSourceOptions): Promise<ImageSource> {
  if (['stream', 'recipe'].includes(parsePlace(origin).kind)) {
    throw new BundleError('archive-unsupported', `Cannot read the source of a recipe: it is "${origin}"`);
  }
  return openSource(origin, options);
}
