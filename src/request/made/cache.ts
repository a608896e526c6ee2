/** The cache that a verb without images is about: by an option, the project file or the environment. */
import { cachePath } from '../../cache/cache.ts';
import { findProjectFile } from '../find-project-file.ts';
import type { WrittenLimits } from '../../cli/options/limit-options.ts';

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
