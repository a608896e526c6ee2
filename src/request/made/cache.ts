/** The cache that a verb without images is about: by an option, the project file or the environment. */
import { cachePath } from '../../cache/cache.ts';
import { findProjectFile } from '../find-project-file.ts';
import type { WrittenLimits } from '../cache-limits.ts';
import type { KeptImages } from '../../cache/upkeep/protect-blocks.ts';
import { BundleError, isBundleError } from '../../ground/errors.ts';
import { readRecipe } from '../../place/recipe/read-recipe.ts';

/** As they stand on the command line. */
export interface CacheChoice {
  readonly cache?: string;
  /** The project file; false for none, and where left out, the one of the working folder. */
  readonly config?: string | false;
}

export interface ChosenCache {
  readonly path: string;
  /** What the project file says of its size. */
  readonly limits: WrittenLimits;
}

/** A flag goes before the file, the file before the environment. Throws selection-invalid where the file is wrong. */
export async function chooseCache({ cache, config }: CacheChoice): Promise<ChosenCache> {
  const project = config === false ? undefined : await findProject(config);
  return { path: cachePath(cache ?? project?.cache, process.env), limits: project?.gc ?? {} };
}

async function findProject(
  config: string | undefined,
): Promise<{ readonly cache?: string | undefined; readonly gc?: WrittenLimits | undefined } | undefined> {
  return findProjectFile(config, process.cwd());
}

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
