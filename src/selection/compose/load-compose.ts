/** Loads Compose files with all that they include and extend, as docker compose does. */
import { basename, dirname, join, resolve } from 'node:path';
import { fileFault } from '../file-fault.ts';
import { findTextFile, readTextFile } from '../read-text-file.ts';
import { parseDotEnv } from './dot-env.ts';
import type { Lookup } from './interpolate.ts';
import { type ComposeDocument, type Include, parseCompose } from './parse-compose.ts';
import { type ComposeModel, mergeModels, mergeServices, type ServiceModel } from './service-model.ts';

export interface LoadComposeOptions {
  /** Absolute, at least one, in the order in which they override each other. */
  readonly files: readonly string[];
  /** Absolute, in place of the `.env` beside the first file. */
  readonly envFiles: readonly string[];
  readonly environment: Environment;
}

export type Environment = Readonly<Record<string, string | undefined>>;

export interface LoadedCompose {
  readonly model: ComposeModel;
  /** Of the environment and the .env files. */
  readonly lookup: Lookup;
  /** Absolute paths of all files that were read, and of the .env that may come to be. */
  readonly files: readonly string[];
  /** The folder that names a project that nothing else names. */
  readonly folder: string;
}

/** More than any project has; include and extends could otherwise multiply without end. */
const mostFiles = 1000;

/** What belongs to one run. */
interface Loader {
  readonly files: Set<string>;
  /** The texts read so far: one file may be extended by many services. */
  readonly texts: Map<string, string>;
  count: number;
}

/** Throws selection-invalid. */
export async function loadCompose({
  files,
  envFiles,
  environment,
}: LoadComposeOptions): Promise<LoadedCompose> {
  const loader: Loader = { files: new Set(), texts: new Map(), count: 0 };
  const [first = ''] = files;
  const folder = dirname(first);
  const isDisabled = /^(1|t|true)$/i.test(environment['COMPOSE_DISABLE_ENV_FILE'] ?? '');
  const own: Lookup = (name) => environment[name];
  const lookup = await readEnvFiles(
    loader,
    isDisabled ? [] : envFiles,
    isDisabled ? undefined : join(folder, '.env'),
    own,
  );
  const model = await loadFiles(loader, files, { folder, lookup, above: [] });
  return { model, lookup, files: [...loader.files], folder };
}

interface Place {
  /** What relative paths start from. */
  readonly folder: string;
  readonly lookup: Lookup;
  /** The files that led here by include. */
  readonly above: readonly string[];
}

async function loadFiles(loader: Loader, files: readonly string[], place: Place): Promise<ComposeModel> {
  let model: ComposeModel = { services: new Map() };
  for (const file of files) {
    if (place.above.includes(file)) {
      throw fileFault(
        file,
        undefined,
        `it includes itself, by way of ${[...place.above, file].map((path) => basename(path)).join(', ')}`,
      );
    }
    for (const document of await readDocuments(loader, file, place)) {
      const included = await withIncludes(loader, document, { ...place, above: [...place.above, file] });
      const services = await withExtends(loader, document, included.services, place);
      model = mergeModels(model, { ...included, services }, document.removals);
    }
  }
  return model;
}

async function readDocuments(
  loader: Loader,
  file: string,
  { lookup, folder }: Place,
): Promise<ComposeDocument[]> {
  loader.count += 1;
  if (loader.count > mostFiles)
    throw fileFault(file, undefined, `more than ${mostFiles} files are included or extended`);
  loader.files.add(file);
  const text = loader.texts.get(file) ?? (await readTextFile(file, 'a Compose file'));
  loader.texts.set(file, text);
  return parseCompose(text, file, { lookup, folder });
}

/** The document's services and those that it includes, which it may add to (compose-go, "importResource"). */
async function withIncludes(loader: Loader, document: ComposeDocument, place: Place): Promise<ComposeModel> {
  let model = document.model;
  for (const include of document.includes) {
    const { services } = await loadInclude(loader, include, place);
    const merged = new Map(model.services);
    for (const [name, service] of services) {
      const own = merged.get(name);
      merged.set(name, own === undefined ? service : mergeServices(service, own));
    }
    model = { ...model, services: merged };
  }
  return model;
}

async function loadInclude(
  loader: Loader,
  include: Include,
  { folder, lookup, above }: Place,
): Promise<ComposeModel> {
  const [first, ...rest] = include.paths;
  const from = above.at(-1) ?? '';
  if (first === undefined || first === '')
    throw fileFault(from, undefined, '"include" does not say which file');
  const remote = include.paths.find((path) => /^[a-z0-9+.-]+:\/\/|^git@|^oci:/i.test(path));
  if (remote !== undefined) {
    throw fileFault(from, undefined, `it includes "${remote}", and only files can be included`, {
      hint: 'Write the whole project to a file first: docker compose config > compose.full.yml',
    });
  }
  const main = resolve(folder, first);
  const own = include.projectFolder === undefined ? dirname(main) : resolve(folder, include.projectFolder);
  const envFiles = include.envFiles
    .filter((file) => file !== '/dev/null')
    .map((file) => resolve(folder, file));
  const found = include.envFiles.length > 0 ? undefined : join(own, '.env');
  return loadFiles(loader, [main, ...rest.map((path) => resolve(own, path))], {
    folder: own,
    lookup: await readEnvFiles(loader, envFiles, found, lookup),
    above,
  });
}

/** Every service of `services` with what it extends below it. */
async function withExtends(
  loader: Loader,
  document: ComposeDocument,
  services: ReadonlyMap<string, ServiceModel>,
  place: Place,
): Promise<ReadonlyMap<string, ServiceModel>> {
  const done = new Map<string, ServiceModel>();
  for (const name of services.keys()) {
    done.set(name, await extendService(loader, { document, services, place }, name, []));
  }
  return done;
}

interface ExtendScope {
  readonly document: ComposeDocument;
  readonly services: ReadonlyMap<string, ServiceModel>;
  readonly place: Place;
}

async function extendService(
  loader: Loader,
  scope: ExtendScope,
  name: string,
  below: readonly string[],
): Promise<ServiceModel> {
  const { document, services, place } = scope;
  const service = services.get(name);
  if (service === undefined)
    throw document.fault(name, `there is no service "${name}", which "extends" names`);
  const { extends: extended, ...own } = service;
  if (extended === undefined) return service;
  const key = `${document.path}\0${name}`;
  if (below.includes(key)) throw document.fault(name, `service "${name}" extends itself`);
  const base = await findBase(loader, scope, extended.file, place);
  if (!base.services.has(extended.service)) {
    throw document.fault(
      name,
      `service "${name}" extends "${extended.service}", which is not in "${base.document.path}"`,
    );
  }
  return mergeServices(await extendService(loader, base, extended.service, [...below, key]), own);
}

async function findBase(
  loader: Loader,
  scope: ExtendScope,
  file: string | undefined,
  place: Place,
): Promise<ExtendScope> {
  if (file === undefined) return scope;
  const there = { ...place, folder: dirname(file) };
  const documents = await readDocuments(loader, file, there);
  const [first] = documents;
  if (first === undefined) throw fileFault(file, undefined, 'it is empty, a Compose file was expected');
  const services = documents.reduce<ComposeModel>(
    (model, next) => mergeModels(model, next.model, next.removals),
    { services: new Map() },
  ).services;
  return { document: first, services, place: there };
}

/** A lookup in what `above` has and, where that has nothing, in these files, or in `found` where there are none. */
async function readEnvFiles(
  loader: Loader,
  files: readonly string[],
  found: string | undefined,
  above: Lookup,
): Promise<Lookup> {
  const variables = new Map<string, string>();
  for (const file of files) {
    loader.files.add(file);
    parseDotEnv(await readTextFile(file, 'a file of variables'), file, variables, above);
  }
  if (files.length === 0 && found !== undefined) {
    loader.files.add(found);
    const text = await findTextFile(found, 'a file of variables');
    if (text !== undefined) parseDotEnv(text, found, variables, above);
  }
  return (name) => above(name) ?? variables.get(name);
}
