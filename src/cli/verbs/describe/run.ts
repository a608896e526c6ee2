/** What `bundlefs describe` does. */
import { resolve } from 'node:path';
import { describeRecipe } from '../../../plan/layout/recipe-document.ts';
import type { Digest } from '../../../ground/digest.ts';
import { printJson } from '../../../ground/print.ts';
import type { Selection } from '../../../request/resolve-selection.ts';
import { checkPlace } from '../../../place/check-place.ts';
import { formatPlace, mapPath, parsePlace } from '../../../place/place.ts';
import { readRecipe } from '../../../place/recipe/read-recipe.ts';
import { openChosenCache, prepareChosenBundle } from '../../../request/made/bundle.ts';
import type { Settings } from '../../../request/settings.ts';
import { toolName } from '../../../request/version.ts';

/** Has all blocks of the images put into the cache, and prints the recipe. No archive is written. */
export async function runDescribe(
  selection: Selection,
  options: Settings,
  signal: AbortSignal,
): Promise<void> {
  const cache = await openChosenCache(options);
  const source = await findOrigin(options.from);
  await using bundle = await prepareChosenBundle(selection, options, cache, signal, 'describe');
  const configs = new Map(bundle.images.map(({ configDigest, config }) => [configDigest, config]));
  const sizes = new Map<Digest, number>(bundle.assembled.layers.map(({ diffId, size }) => [diffId, size]));
  const document = describeRecipe(bundle.recipe, {
    tool: toolName(),
    findConfig: (digest) => configs.get(digest),
    findLayerSize: (diffId) => sizes.get(diffId),
    source,
  });
  printJson(document, 2);
}

/** `from` as it is meant in every folder; undefined for standard input, which is read once only. Of a recipe, its own source. */
async function findOrigin(from: string | undefined): Promise<string | undefined> {
  const place = parsePlace(from);
  await checkPlace(place);
  if (place.kind === 'stream') return undefined;
  if (place.kind === 'recipe') return (await readRecipe(place.path)).source;
  return mapPath(formatPlace(place), (path) => resolve(path));
}
