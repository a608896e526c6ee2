/** Loads Compose files with all that they include and extend, as docker compose does. */
import { appendAll } from '../../ground/long-lists.ts';
import { basename, dirname, join, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { fileFault } from '../file-fault.ts';
import { extendServices } from './extend-services.ts';
import { findComposeFiles, isFolder } from './find-compose-files.ts';
import { interpolate, InterpolationError, type Lookup } from './interpolate.ts';
import { LoadedFiles } from './loaded-files.ts';
import { type ComposeDocument, findProjectName, type Include, readDocument } from './parse-compose.ts';
import { chooseProjectName } from './project-name.ts';
import { overrideServices, type ServiceModel, type Services } from './service-model.ts';

export interface LoadComposeOptions {
  /** Files and folders, absolute, at least one, in the order in which they override each other. */
  readonly paths: readonly string[];
  /** Absolute, in place of the `.env` beside the first file. */
  readonly envFiles: readonly string[];
  readonly environment: Environment;
  /** Before all other names. */
  readonly projectName?: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;

export interface LoadedCompose {
  /** The first file. */
  readonly path: string;
  readonly services: Services;
  /** Of the environment and the .env files. */
  readonly lookup: Lookup;
  /** Absolute paths of all files that were read, and of those that would be if they were there. */
  readonly files: readonly string[];
  /** Throws selection-invalid where there is none that a project can have. */
  readonly getProjectName: () => string;
}

/** Throws selection-invalid. */
export async function loadCompose(options: LoadComposeOptions): Promise<LoadedCompose> {
  const { projectName } = options;
  const loaded = new LoadedFiles();
  const { files, variables } = await findProject(loaded, options);
  const [path = ''] = files;
  const folder = dirname(path);
  const named = await readProjectName(loaded, files, variables);
  const getProjectName = (): string =>
    chooseProjectName({
      asked: projectName,
      variable: variables('COMPOSE_PROJECT_NAME'),
      named,
      folder,
      path,
    });
  const lookup: Lookup = (name) => (name === 'COMPOSE_PROJECT_NAME' ? getProjectName() : variables(name));
  const services = await loadFiles(loaded, files, { folder, lookup, above: [] });
  return { path, services, lookup, files: [...loaded.paths], getProjectName };
}

/**
 * The project's files and its variables: those of `environment`, then those of `envFiles`. Without any, the `.env` of
 * the folder that the project is looked for in goes before the one beside the first file, as where docker compose is
 * called in a folder whose COMPOSE_FILE is elsewhere.
 */
async function findProject(
  loaded: LoadedFiles,
  { paths, envFiles, environment }: LoadComposeOptions,
): Promise<{ readonly files: readonly string[]; readonly variables: Lookup }> {
  const isDisabled = /^(1|t|true)$/i.test(environment['COMPOSE_DISABLE_ENV_FILE'] ?? '');
  const given = await loaded.readEnv(envFiles, (name) => environment[name]);
  const withFound = (folder: string, above: Lookup): Promise<Lookup> =>
    envFiles.length > 0 || isDisabled ? Promise.resolve(above) : loaded.findEnv(join(folder, '.env'), above);
  const files: string[] = [];
  let variables = given;
  for (const path of paths) {
    if (!(await isFolder(path))) {
      files.push(path);
      continue;
    }
    const own = await withFound(path, given);
    if (files.length === 0) variables = own;
    appendAll(files, await findComposeFiles(path, own, loaded.paths));
  }
  return { files, variables: await withFound(dirname(files[0] ?? ''), variables) };
}

/** `name:` may be in each document, and the last one counts (compose-go, loader/loader.go, "projectName"). */
async function readProjectName(
  loaded: LoadedFiles,
  files: readonly string[],
  lookup: Lookup,
): Promise<string | undefined> {
  let found: { readonly name: string; readonly file: string } | undefined;
  for (const file of files) {
    for (const document of await loaded.readCompose(file)) {
      const name = findProjectName(document);
      if (name !== undefined) found = { name, file };
    }
  }
  if (found === undefined) return undefined;
  try {
    return interpolate(found.name, lookup);
  } catch (error) {
    if (error instanceof InterpolationError)
      throw fileFault(found.file, undefined, `"name": ${error.message}`);
    throw error;
  }
}

interface Place {
  /** What relative paths start from. */
  readonly folder: string;
  readonly lookup: Lookup;
  /** The files that led here by include. */
  readonly above: readonly string[];
}

/** compose-go, loader/loader.go, "loadYamlFile": document by document, each with what it extends and includes. */
async function loadFiles(loaded: LoadedFiles, files: readonly string[], place: Place): Promise<Services> {
  let services: Services = new Map();
  for (const path of files) {
    if (place.above.includes(path)) {
      throw fileFault(
        path,
        undefined,
        `it includes itself, by way of ${[...place.above, path].map((file) => basename(file)).join(', ')}`,
      );
    }
    for (const parsed of await loaded.readCompose(path)) {
      const document = readDocument(parsed, { ...place, path });
      const own = await extendServices(document, { files: loaded, lookup: place.lookup });
      const all = await withIncludes(loaded, document, own, place);
      services = overrideServices(services, all, document.removals);
    }
  }
  return services;
}

/** The document's own services and those that it includes (compose-go, "importResource"). */
async function withIncludes(
  loaded: LoadedFiles,
  document: ComposeDocument,
  own: Services,
  { folder, lookup, above }: Place,
): Promise<Services> {
  const services = new Map<string, ServiceModel>(own);
  const place = { folder, lookup, above: [...above, document.path] };
  for (const include of document.includes) {
    for (const [name, included] of await loadInclude(loaded, include, place)) {
      const known = services.get(name);
      if (known !== undefined && !isDeepStrictEqual(known, included))
        throw conflicting(document, name, include);
      services.set(name, included);
    }
  }
  return services;
}

function conflicting({ path }: ComposeDocument, name: string, { paths }: Include): Error {
  return fileFault(
    path,
    undefined,
    `it includes "${paths.join('", "')}", whose service "${name}" is another one than that of the same name here`,
    {
      hint: `Write what changes it to a file of its own, and name that after the other: path: [${paths.join(', ')}, changes.yaml]`,
    },
  );
}

/** compose-go, loader/include.go, "ApplyInclude": all paths are relative to the project that includes them. */
async function loadInclude(
  loaded: LoadedFiles,
  include: Include,
  { folder, lookup, above }: Place,
): Promise<Services> {
  const [first] = include.paths;
  const from = above.at(-1) ?? '';
  if (first === undefined || include.paths.includes(''))
    throw fileFault(from, undefined, '"include" does not say which file');
  const remote = include.paths.find((path) => /^[a-z0-9+.-]+:\/\/|^git@|^oci:/i.test(path));
  if (remote !== undefined) {
    throw fileFault(from, undefined, `it includes "${remote}", and only files can be included`, {
      hint: 'Write the whole project to a file first: docker compose config > compose.full.yml',
    });
  }
  const at = (path: string): string => resolve(folder, path);
  const own = include.projectFolder === undefined ? dirname(at(first)) : at(include.projectFolder);
  const envFiles = include.envFiles.filter((file) => file !== '/dev/null').map(at);
  return loadFiles(loaded, include.paths.map(at), {
    folder: own,
    lookup: await (include.envFiles.length > 0
      ? loaded.readEnv(envFiles, lookup)
      : loaded.findEnv(join(own, '.env'), lookup)),
    above,
  });
}
