/** Reads the documents of a Compose file, each on its own. */
import { parseYaml, type YamlDocument } from '../yaml-document.ts';
import type { Lookup } from './interpolate.ts';
import { readService } from './read-service.ts';
import { everyService, type Removals, type ServiceModel, type Services } from './service-model.ts';
import { createValueReader, type ValueReader } from './value-reader.ts';

/** One YAML document of a Compose file. */
export interface ComposeDocument {
  readonly path: string;
  readonly services: Services;
  readonly includes: readonly Include[];
  readonly removals: Removals;
  /** The error for a fault of a service. */
  fault(service: string, what: string): Error;
}

/** compose-spec, 14-include.md. Paths are as they are written. */
export interface Include {
  /** The first, and those that override it. */
  readonly paths: readonly string[];
  readonly projectFolder?: string;
  readonly envFiles: readonly string[];
}

export interface ReadDocumentOptions {
  /** The file that the document is of. */
  readonly path: string;
  readonly lookup: Lookup;
  /** What files in `extends` are relative to. */
  readonly folder: string;
}

/** The documents in `text`, that of the Compose file at `path`. Throws selection-invalid. */
export function parseCompose(text: string, path: string): YamlDocument[] {
  return parseYaml(text, path, { maps: 'Map', tags: 'compose' }).filter(({ value }) => value !== null);
}

/** The name of the project that the document gives, its variables as they are written. */
export function findProjectName({ value }: YamlDocument): string | undefined {
  const name: unknown = value instanceof Map ? value.get('name') : undefined;
  return typeof name === 'string' && name !== '' ? name : undefined;
}

/** Throws selection-invalid. */
export function readDocument(
  document: YamlDocument,
  { path, lookup, folder }: ReadDocumentOptions,
): ComposeDocument {
  const reader = createValueReader(document, path, lookup);
  const root = reader.asMap(document.value, []);
  const services = new Map<string, ServiceModel>();
  for (const [name, value] of reader.asMap(root.get('services'), ['services'])) {
    services.set(name, readService(value, ['services', name], { reader, lookup, folder }));
  }
  return {
    path,
    services,
    includes: readIncludes(root.get('include'), reader),
    removals: findRemovals(document),
    fault: (service, what) => reader.fail(['services', service], what),
  };
}

function readIncludes(value: unknown, { asList, asMap, asText, asTextOrTexts }: ValueReader): Include[] {
  return asList(value, ['include']).map((entry, index) => {
    const keys = ['include', index];
    if (typeof entry === 'string') return { paths: [asText(entry, keys) ?? ''], envFiles: [] };
    const include = asMap(entry, keys);
    const projectFolder = asText(include.get('project_directory'), [...keys, 'project_directory']);
    return {
      paths: asTextOrTexts(include.get('path'), [...keys, 'path']),
      envFiles: asTextOrTexts(include.get('env_file'), [...keys, 'env_file']),
      projectFolder,
    };
  });
}

/** compose-go, loader/reset.go: both tags take away what earlier files say at their place. */
function findRemovals({ tagged }: YamlDocument): Removals {
  const removals = new Map<string, Set<string> | 'all'>();
  for (const { path } of tagged) {
    const [section, service = everyService, ...keys] = path.map(String);
    if (section !== 'services') continue;
    const known = removals.get(service);
    if (keys.length === 0) removals.set(service, 'all');
    else if (known !== 'all') removals.set(service, new Set([...(known ?? []), keys.join('.')]));
  }
  return removals;
}
