/** Which blocks the bundle of a recipe needs, those of its tar headers included, whether they are stored or not. */
import type { BlockKey, BlockRecord } from '../../plan/layout/block-record.ts';
import type { Cache } from '../cache.ts';
import type { LayerRecord } from '../../plan/layout/layer-record.ts';
import type { Recipe } from '../../plan/layout/recipe.ts';
import { type DiffId, digestOf } from '../../ground/digest.ts';
import { BundleError } from '../../ground/errors.ts';
import { createImage, type Image } from '../../image/image.ts';
import { pieceOf } from '../../plan/cut/piece-cutter.ts';
import { tarLayoutName } from '../../plan/plan-bundle.ts';
import { assembleBundle } from '../../plan/layout/assemble.ts';
import { contentKey } from '../../plan/layout/content-key.ts';

/**
 * The keys, each once; `findLayer` gives records of the recipe's profile. Throws block-missing where a record or config
 * is missing that decides them, or where the recipe was laid out by other rules.
 */
export async function listRecipeBlocks(
  cache: Cache,
  recipe: Recipe,
  findLayer: (diffId: DiffId) => LayerRecord | undefined,
): Promise<BlockKey[]> {
  if (recipe.tarLayout !== tarLayoutName) {
    throw new BundleError(
      'block-missing',
      `Cannot lay out the bundle: it has the layout ${recipe.tarLayout}`,
    );
  }
  const images: Image[] = [];
  for (const { config, tags, refName } of recipe.images) {
    const bytes = await cache.findConfig(config);
    if (bytes === undefined) {
      throw new BundleError(
        'block-missing',
        `Cannot lay out the bundle: config ${config} is not in the cache`,
      );
    }
    images.push({ ...createImage(bytes, tags), refName });
  }
  const { blocks } = await assembleBundle(images, recipe.profile.check, {
    findLayer,
    glueBlock: (glue) => Promise.resolve(unsizedBlock(glue)),
  });
  return [...new Set(blocks.map(({ key }) => key))];
}

/** Only its key is wanted, which is known without the block. */
function unsizedBlock(glue: Uint8Array): BlockRecord {
  return {
    key: contentKey(pieceOf(glue)),
    unpaddedSize: 64,
    uncompressedSize: glue.length,
    digest: digestOf(glue),
    crc64: '0'.repeat(16),
  };
}
