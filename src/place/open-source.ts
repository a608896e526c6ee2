/** Opens the source that `--from` names. */
import { BundleError } from '../ground/errors.ts';
import { checkPlace } from './check-place.ts';
import { createArchiveSource } from './archive/archive-source.ts';
import { createStreamSource, type StandardInput } from './archive/stream-source.ts';
import type { ImageSource } from '../image/image-source.ts';
import { createOciFolderSource } from './archive/oci-folder-source.ts';
import { wishPlatform } from './platform-wish.ts';
import { createRecipeSource, type FindStoredLayer } from './recipe/recipe-source.ts';

export interface OpenSourceOptions {
  readonly signal?: AbortSignal;
  /** `linux/arm64`: what images must be for. Where left out, it is the host's that is taken of images for several. */
  readonly platform?: string;
  /** What `-` reads; process.stdin where left out. */
  readonly input?: StandardInput;
  /** Where recipes look for layers, besides the sink. */
  readonly findStoredLayer?: FindStoredLayer;
}

/**
 * The source that `from` names: nothing or `docker` for the engine that the docker command would use, `docker:HOST` for
 * another one, `docker://…` for a registry or an image of one, `-` for standard input, `oci:FOLDER` for an OCI layout,
 * `recipe:FILE` for what describe wrote, or the path of an archive. Throws
 * invalid-argument, archive-not-found, archive-empty, archive-unsupported, source-unreachable, source-failed.
 */
export async function openSource(
  from: string | undefined,
  options: OpenSourceOptions = {},
): Promise<ImageSource> {
  const { signal, platform, input = process.stdin, findStoredLayer } = options;
  const wish = wishPlatform(platform);
  if (from?.startsWith('docker://') === true) {
    const { openRegistrySource } = await import('./registry/registry-source.ts');
    return openRegistrySource(from, wish);
  }
  if (from === undefined || from === 'docker' || from.startsWith('docker:')) {
    const host = from?.slice('docker:'.length) ?? '';
    // Other sources do without the engine's client.
    const { openEngineSource } = await import('./engine/engine-source.ts');
    return openEngineSource({ wish, ...(host !== '' && { host }), ...(signal && { signal }) });
  }
  if (from === '-') return createStreamSource(input, wish);
  await checkPlace(from);
  if (from.startsWith('oci:')) return createOciFolderSource(from.slice('oci:'.length), wish);
  if (from.startsWith('recipe:')) {
    return createRecipeSource(from.slice('recipe:'.length), {
      wish,
      openOrigin: (origin) => openOrigin(origin, options),
      ...(findStoredLayer && { findStoredLayer }),
    });
  }
  return createArchiveSource(from, wish);
}

/** What a recipe names is read for what the cache lacks. Throws archive-unsupported for what nobody's describe has written. */
async function openOrigin(origin: string, options: OpenSourceOptions): Promise<ImageSource> {
  if (origin === '-' || origin.startsWith('recipe:')) {
    throw new BundleError('archive-unsupported', `Cannot read the source of a recipe: it is "${origin}"`);
  }
  return openSource(origin, options);
}
