/** What is still known of a recipe when the cache has not all of its blocks: images, and sizes from layer records. */
import type { Cache } from '../../cache/cache.ts';
import type { Recipe } from '../../plan/layout/recipe.ts';
import type { DiffId } from '../../ground/digest.ts';
import { parseImageConfig } from '../../image/image-config.ts';
import type { BundleContents, ContentLayer } from './bundle-contents.ts';

/** The contents of `recipe`, as far as `cache` has records of them. */
export async function readRecipeRecords(
  label: string,
  recipe: Recipe,
  cache: Cache,
): Promise<BundleContents> {
  const records = await cache.openLayers(recipe.profile);
  const layers = new Map<DiffId, ContentLayer>();
  for (const diffId of new Set(recipe.images.flatMap((image) => image.layers))) {
    const record = await records.findLayer(diffId);
    layers.set(diffId, { diffId, ...(record && { size: record.size }) });
  }
  const images = recipe.images.map(async ({ tags, config, layers: diffIds }) => {
    const bytes = await cache.findConfig(config);
    const history = bytes === undefined ? [] : parseImageConfig(bytes, `the config ${config}`).history;
    return { names: tags, id: config, layers: diffIds, history };
  });
  return {
    label,
    images: await Promise.all(images),
    layers,
    ...(recipe.bundle && { storedSize: recipe.bundle.size }),
  };
}
