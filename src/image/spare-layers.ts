/** Which layers need not be sent to an engine that has images already. */
import type { DiffId } from '../ground/digest.ts';

export interface WithLayers {
  /** diffIds from the lowest up. */
  readonly layers: readonly DiffId[];
}

/**
 * The layers of `images` that `present` images make superfluous: an engine has a layer only as part of a chain, above
 * the very layers that it has below (OCI image-spec, config.md, "Layer ChainID"). So at each place where one of `images`
 * has the layer, the chain up to it must be a chain of `present`.
 */
export function findSpareLayers(
  images: readonly WithLayers[],
  present: readonly WithLayers[],
): ReadonlySet<DiffId> {
  const chains = new Set(present.flatMap(({ layers }) => listChains(layers)));
  const spare = new Set<DiffId>();
  const wanted = new Set<DiffId>();
  for (const { layers } of images) {
    for (const [depth, chain] of listChains(layers).entries()) {
      const diffId = layers[depth];
      if (diffId !== undefined) (chains.has(chain) ? spare : wanted).add(diffId);
    }
  }
  for (const diffId of wanted) spare.delete(diffId);
  return spare;
}

/** One word for each depth, equal for equal layers up to there. */
function listChains(layers: readonly DiffId[]): string[] {
  let chain = '';
  return layers.map((diffId) => (chain += `${diffId},`));
}
