/** Finds the project file. Most folders have none, so the parser of YAML is loaded only when there is one. */
import { join, resolve } from 'node:path';
import { isBundleError } from '../ground/errors.ts';
import { fileFault } from './file-fault.ts';
import type { ProjectFile } from './project-file.ts';
import { findTextFile, readTextFile } from './read-text-file.ts';

/** The name under which it is found in the working folder. */
export const projectFileName = 'bundlefs.yaml';

/**
 * The project file at `path`; if that is undefined, the one in `folder`, if there is one. Throws selection-invalid
 * with line and column.
 */
export async function findProjectFile(
  path: string | undefined,
  folder: string,
): Promise<ProjectFile | undefined> {
  if (path !== undefined) {
    const given = resolve(folder, path);
    return parse(await readTextFile(given, 'a project file'), given);
  }
  const found = join(folder, projectFileName);
  const text = await findTextFile(found, 'a project file').catch((error: unknown) => {
    if (!isBundleError(error)) throw error;
    throw fileFault(found, undefined, error.message, {
      cause: error,
      hint: 'To go on without it: --no-config',
    });
  });
  return text === undefined ? undefined : await parse(text, found);
}

async function parse(text: string, path: string): Promise<ProjectFile> {
  const { parseProjectFile } = await import('./project-file.ts');
  return parseProjectFile(text, path);
}
