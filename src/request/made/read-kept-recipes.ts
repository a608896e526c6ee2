/** The recipes whose blocks a collection leaves alone. */
import type { KeptImages } from '../../cache/upkeep/protect-blocks.ts';
import { BundleError, isBundleError } from '../../ground/errors.ts';
import { readRecipe } from '../../place/recipe/read-recipe.ts';

/** Reads them all. Where one cannot be read nothing may be removed: what it would protect is not known. Throws as readRecipe does. */
export async function readKeptRecipes(paths: readonly string[]): Promise<KeptImages[]> {
  const kept: KeptImages[] = [];
  for (const path of paths) kept.push(await readKept(path));
  return kept;
}

async function readKept(path: string): Promise<KeptImages> {
  try {
    return await readRecipe(path);
  } catch (error) {
    if (!isBundleError(error)) throw error;
    throw new BundleError(error.code, error.message, {
      cause: error,
      hint: 'It says what to keep, so that nothing was removed. Put it back, or take it out of --keep-recipe or gc.keepRecipes.',
    });
  }
}
