/** A delta for an engine that has the base images, and not the bundle they came in: only the layers that they lack. */
import type { Bundle } from '../../bundle/open-bundle.ts';
import { hashFile } from '../../bundle/keep-digest.ts';
import type { DiffId, Digest } from '../../ground/digest.ts';
import { BundleError } from '../../ground/errors.ts';
import type { StoredFile } from '../../file/stored-file.ts';
import { putBefore } from './create-delta.ts';
import { renderDeltaText } from './delta-text.ts';
import { checkEngineKind } from './check-engine-kind.ts';
import { layOutWithout } from '../../bundle/bundle-parts.ts';
import type { EngineKind } from '../../image/engine-kinds.ts';
import { findSpareLayers } from '../../image/spare-layers.ts';

/** An image that the target has. */
export interface BaseImage {
  readonly names: readonly string[];
  readonly layers: readonly DiffId[];
  /** Of its OCI manifest, where it was loaded from a bundle of this program. */
  readonly manifest: Digest;
}

export interface EngineDelta {
  /** Belongs to the bundle, and is closed with it. */
  readonly file: StoredFile;
  readonly layerCount: number;
  readonly omittedCount: number;
  /** Bytes of the layers left out, unpacked. */
  readonly omittedSize: number;
}

/**
 * The delta of `bundle` for an engine of the kind `kind` that has the images `base`. Throws invalid-argument where the
 * kind takes none, or where the base has no layer that the bundle needs.
 */
export async function createEngineDelta(
  bundle: Pick<Bundle, 'images' | 'assembled' | 'recipe' | 'openLayout'>,
  base: readonly BaseImage[],
  kind: EngineKind,
  { tool, signal }: { readonly tool: string; readonly signal?: AbortSignal },
): Promise<EngineDelta> {
  checkEngineKind(kind);
  const { images, assembled } = bundle;
  const omitted = findSpareLayers(images, base);
  if (omitted.size === 0) {
    throw new BundleError(
      'invalid-argument',
      'Cannot make a delta: the images of the base have no layer that the new ones could do without',
      { hint: 'Layers count from the lowest up. Send the full bundle.' },
    );
  }
  const own = await layOutWithout(bundle, omitted);
  const { whole } = await hashFile(bundle.openLayout(own), [], signal ? { signal } : {});
  const text = await renderDeltaText({
    format: 'bundlefs-engine-delta-1',
    summary: 'A delta of images for docker, which must have those they build upon. To load it:  sh FILE',
    tool,
    facts: { delta_kind: kind },
    script: 'load-delta.sh',
    lists: {
      delta_chains: listChains(images, base, omitted),
      delta_images: images.map(
        ({ configDigest, tags, layers }) =>
          `${configDigest} ${assembled.manifestDigests.get(configDigest) ?? '-'} ${joinWords(tags)} ${joinWords(layers)}`,
      ),
    },
    main: 'load_main',
    own: { size: own.size, digest: whole },
  });
  return {
    file: bundle.openLayout(putBefore(text, own)),
    layerCount: assembled.layers.length,
    omittedCount: omitted.size,
    omittedSize: assembled.layers.reduce(
      (sum, { diffId, size }) => (omitted.has(diffId) ? sum + size : sum),
      0,
    ),
  };
}

/** For each image the chain that must be there: up to the last layer left out. With the ids and names that have it. */
function listChains(
  images: Pick<Bundle, 'images'>['images'],
  base: readonly BaseImage[],
  omitted: ReadonlySet<DiffId>,
): string[] {
  const chains = new Set(
    images.map(({ layers }) =>
      layers.slice(0, layers.findLastIndex((diffId) => omitted.has(diffId)) + 1).join(','),
    ),
  );
  chains.delete('');
  return [...chains].map((chain) => {
    const bearers = base.filter(({ layers }) => `${layers.join(',')},`.startsWith(`${chain},`));
    const names = bearers.flatMap((image) => image.names);
    return `${chain} ${bearers.map(({ manifest }) => manifest).join(',')} ${joinWords(names)}`;
  });
}

function joinWords(words: readonly string[]): string {
  return words.length === 0 ? '-' : words.join(',');
}
