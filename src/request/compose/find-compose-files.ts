/** Which Compose files a folder has for docker compose (compose-go, cli/options.go). */
import { stat } from '../../disk/named-files.ts';
import { dirname, join, resolve } from 'node:path';
import { findErrno } from '../../ground/errors.ts';
import { fileFault } from '../file-fault.ts';
import type { Lookup } from './interpolate.ts';

/** The first that is there is taken, also where it is older than another. */
const fileNames = ['compose.yaml', 'compose.yml', 'docker-compose.yml', 'docker-compose.yaml'];
const overrideNames = [
  'compose.override.yml',
  'compose.override.yaml',
  'docker-compose.override.yml',
  'docker-compose.override.yaml',
];

/** Whether `path` is a folder. Throws what stat throws, but for a path that is not there. */
export async function isFolder(path: string): Promise<boolean> {
  return (await findInfo(path))?.isDirectory() === true;
}

/**
 * The Compose files that docker compose takes where it is called in `folder`: those of COMPOSE_FILE, else the one of a
 * default name and the one that overrides it, in the folder or the nearest one above that has any. Each path that is
 * looked for goes to `watched`. Throws selection-invalid.
 */
export async function findComposeFiles(
  folder: string,
  lookup: Lookup,
  watched: Set<string>,
): Promise<string[]> {
  const named = lookup('COMPOSE_FILE');
  if (named !== undefined) {
    const separator = lookup('COMPOSE_PATH_SEPARATOR') ?? '';
    return named.split(separator === '' ? ':' : separator).map((file) => resolve(folder, file));
  }
  for (let at = folder; ; at = dirname(at)) {
    const main = await findOne(at, fileNames, watched);
    if (main !== undefined) {
      const override = await findOne(at, overrideNames, watched);
      return override === undefined ? [main] : [main, override];
    }
    if (at === dirname(at)) break;
  }
  throw fileFault(
    folder,
    undefined,
    'there is no compose.yaml or docker-compose.yml in this folder, and none in a folder above it',
  );
}

async function findOne(
  folder: string,
  names: readonly string[],
  watched: Set<string>,
): Promise<string | undefined> {
  for (const name of names) {
    const path = join(folder, name);
    watched.add(path);
    if ((await findInfo(path)) !== undefined) return path;
  }
  return undefined;
}

async function findInfo(path: string): Promise<Awaited<ReturnType<typeof stat>> | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    // Reading it is what says why it cannot be read.
    if (findErrno(error) === undefined) throw error;
    return undefined;
  }
}
