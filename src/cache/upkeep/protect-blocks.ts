/** Which blocks no limit may touch: what is in use, what the last bundles need, and what recipes are to stay good for. */
import { groupBy } from '../../ground/group-by.ts';
import { type Profile, profileName } from '../../plan/layout/profile.ts';
import type { DiffId, Digest } from '../../ground/digest.ts';
import type { BlockId, CacheSurvey } from './survey-cache.ts';

export type KeepReason = 'leased' | 'building' | 'kept-last' | 'kept-recipe';

/** The images of a recipe whose blocks are to stay. */
export interface KeptImages {
  /** What the recipe says that their blocks were encoded with. */
  readonly profile: Profile;
  readonly images: readonly { readonly configDigest: Digest; readonly layers: readonly DiffId[] }[];
}

/** The protected blocks of the cache, each with the strongest reason. */
export function protectBlocks(
  survey: CacheSurvey,
  keepLast: number,
  kept: readonly KeptImages[],
): Map<BlockId, KeepReason> {
  const reasons = new Map<BlockId, KeepReason>();
  for (const recipe of kept) for (const id of findKeptBlocks(survey, recipe)) reasons.set(id, 'kept-recipe');
  for (const recipe of survey.recipes.slice(0, keepLast)) {
    for (const id of recipe.blocks) reasons.set(id, 'kept-last');
  }
  const heldEncoders = new Map<string, KeepReason>();
  for (const lease of survey.leases) if (lease.kind === 'build') heldEncoders.set(lease.encoder, 'building');
  for (const recipe of survey.recipes) {
    if (!recipe.isLeased) continue;
    for (const id of recipe.blocks) reasons.set(id, 'leased');
    if (!recipe.isKnown && !heldEncoders.has(recipe.encoder)) heldEncoders.set(recipe.encoder, 'leased');
  }
  for (const { id, encoder } of survey.blocks.values()) {
    const reason = heldEncoders.get(encoder);
    if (reason !== undefined && !reasons.has(id)) reasons.set(id, reason);
  }
  return reasons;
}

/**
 * The blocks of the recipe's layers under its own profile, with those of the tar headers where the cache has the bundle.
 * A layer that is not there whole under that profile keeps its blocks of all others, for any of them will do.
 */
function* findKeptBlocks(survey: CacheSurvey, { profile, images }: KeptImages): Generator<BlockId> {
  const own = profileName(profile);
  const configs = images.map(({ configDigest }) => configDigest).join();
  for (const { profile: name, recipe, blocks } of survey.recipes) {
    if (name === own && recipe.images.map(({ config }) => config).join() === configs) yield* blocks;
  }
  const layersOf = groupBy(survey.layers, ({ diffId }) => diffId);
  for (const diffId of new Set(images.flatMap(({ layers }) => layers))) {
    const found = layersOf.get(diffId) ?? [];
    const whole = found.find((layer) => layer.profile === own && isWhole(survey, layer));
    for (const { blocks } of whole === undefined ? found : [whole]) yield* blocks;
  }
}

/** The layers of these images that the cache does not have whole, of whatever profile: nothing of it can keep them. */
export function listMissingLayers(survey: CacheSurvey, { images }: KeptImages): DiffId[] {
  const there = new Set(survey.layers.filter((layer) => isWhole(survey, layer)).map(({ diffId }) => diffId));
  return [...new Set(images.flatMap(({ layers }) => layers))].filter((diffId) => !there.has(diffId));
}

function isWhole({ blocks }: CacheSurvey, layer: CacheSurvey['layers'][number]): boolean {
  return [...layer.blocks].every((id) => blocks.has(id));
}
