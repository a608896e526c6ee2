/** Reads what a Compose file says of services and their images. Values that only containers need are not looked at. */
import { resolve } from 'node:path';
import { describeValue, fileFault } from '../file-fault.ts';
import { type KeyPath, parseYaml, type YamlDocument } from '../yaml-document.ts';
import { interpolate, InterpolationError, type Lookup } from './interpolate.ts';
import {
  type ComposeModel,
  type Dependency,
  everyService,
  type Extends,
  type Removals,
  type ServiceModel,
} from './service-model.ts';

/** One YAML document of a Compose file, on its own. */
export interface ComposeDocument {
  readonly path: string;
  readonly model: ComposeModel;
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

export interface ParseComposeOptions {
  readonly lookup: Lookup;
  /** What files in `extends` are relative to. */
  readonly folder: string;
}

/** The documents in `text`, that of the Compose file at `path`. Throws selection-invalid. */
export function parseCompose(text: string, path: string, options: ParseComposeOptions): ComposeDocument[] {
  return parseYaml(text, path, { maps: 'Map' })
    .filter(({ value }) => value !== null)
    .map((document) => readDocument(document, path, options));
}

function readDocument(
  document: YamlDocument,
  path: string,
  { lookup, folder }: ParseComposeOptions,
): ComposeDocument {
  const fail = (keys: KeyPath, what: string): Error => fileFault(path, document.positionOf(keys), what);
  const root = asMap(document.value, []);
  const name = asText(root.get('name'), ['name']);
  const services = new Map<string, ServiceModel>();
  const resets = new Set(
    document.tagged.flatMap(({ tag, path }) => (tag === '!reset' ? path.join('\0') : [])),
  );
  const isReset = (keys: KeyPath): boolean => resets.has(keys.join('\0'));
  for (const [key, value] of asMap(root.get('services'), ['services'])) {
    const service = readService(value, ['services', key]);
    if (service !== undefined) services.set(key, service);
  }
  return {
    path,
    model: { services, ...(name !== undefined && { name }) },
    includes: readIncludes(root.get('include')),
    removals: findRemovals(document),
    fault: (service, what) => fail(['services', service], what),
  };

  function readService(value: unknown, keys: KeyPath): ServiceModel | undefined {
    if (isReset(keys)) return undefined;
    const map = asMap(value, keys);
    const get = (key: string): unknown => (isReset([...keys, key]) ? undefined : map.get(key));
    const text = (key: string): string | undefined => asText(get(key), [...keys, key]);
    const [image, platform] = [text('image'), text('platform')];
    const extended = readExtends(get('extends'), [...keys, 'extends']);
    return {
      ...(image !== undefined && image !== '' && { image }),
      ...(platform !== undefined && platform !== '' && { platform }),
      ...(extended !== undefined && { extends: extended }),
      hasBuild: ![undefined, null, ''].includes(get('build') as string | null | undefined),
      hasProvider: get('provider') instanceof Map,
      profiles: asTexts(get('profiles'), [...keys, 'profiles']),
      dependencies: readDependencies(get, keys),
    };
  }

  function readExtends(value: unknown, keys: KeyPath): Extends | undefined {
    if (value === null || value === undefined) return undefined;
    if (!(value instanceof Map)) return { service: asText(value, keys) ?? '' };
    const service = asText(value.get('service'), [...keys, 'service']);
    if (service === undefined) throw fail(keys, '"extends" does not say which service');
    const file = asText(value.get('file'), [...keys, 'file']);
    return { service, ...(file !== undefined && { file: resolve(folder, file) }) };
  }

  /** compose-go, loader/normalize.go: links, volumes_from and shared namespaces are dependencies, too. */
  function readDependencies(get: (key: string) => unknown, keys: KeyPath): Map<string, Dependency> {
    const found = new Map<string, Dependency>();
    const add = (name: string): void => {
      if (!found.has(name)) found.set(name, { isRequired: true });
    };
    const declared = get('depends_on');
    if (declared instanceof Map) {
      for (const [key, value] of asMap(declared, [...keys, 'depends_on'])) {
        const isRequired = !(value instanceof Map) || value.get('required') !== false;
        if (!isReset([...keys, 'depends_on', key])) found.set(key, { isRequired });
      }
    } else {
      asTexts(declared, [...keys, 'depends_on']).forEach(add);
    }
    for (const link of asTexts(get('links'), [...keys, 'links'])) add(link.replace(/:.*$/, ''));
    for (const from of asTexts(get('volumes_from'), [...keys, 'volumes_from'])) {
      if (!from.startsWith('container:')) add(from.replace(/:.*$/, ''));
    }
    for (const key of ['network_mode', 'ipc', 'pid', 'uts', 'cgroup']) {
      const shared = get(key);
      if (typeof shared === 'string' && shared.startsWith('service:')) add(shared.slice('service:'.length));
    }
    return found;
  }

  function readIncludes(value: unknown): Include[] {
    if (value === null || value === undefined) return [];
    if (!Array.isArray(value))
      throw fail(['include'], `"include" is ${describeValue(value)}, a list was expected`);
    return value.map((entry: unknown, index) => {
      const keys = ['include', index];
      if (!(entry instanceof Map)) return { paths: [asText(entry, keys) ?? ''], envFiles: [] };
      const projectFolder = asText(entry.get('project_directory'), [...keys, 'project_directory']);
      return {
        paths: asTextOrTexts(entry.get('path'), [...keys, 'path']),
        envFiles: asTextOrTexts(entry.get('env_file'), [...keys, 'env_file']),
        ...(projectFolder !== undefined && { projectFolder }),
      };
    });
  }

  function asMap(value: unknown, keys: KeyPath): ReadonlyMap<string, unknown> {
    if (value === null || value === undefined) return new Map();
    if (!(value instanceof Map)) throw wrong(value, keys, 'a mapping');
    return new Map([...value].map(([key, entry]: [unknown, unknown]) => [String(key), entry]));
  }

  function asText(value: unknown, keys: KeyPath): string | undefined {
    if (value === null || value === undefined) return undefined;
    if (typeof value !== 'string') throw wrong(value, keys, 'text', '. Put it in quotes');
    try {
      return interpolate(value, lookup);
    } catch (error) {
      if (error instanceof InterpolationError) throw fail(keys, `"${keys.join('.')}": ${error.message}`);
      throw error;
    }
  }

  function asTexts(value: unknown, keys: KeyPath): string[] {
    if (value === null || value === undefined) return [];
    if (!Array.isArray(value)) throw wrong(value, keys, 'a list');
    return value.map((entry: unknown, index) => asText(entry, [...keys, index]) ?? '');
  }

  function asTextOrTexts(value: unknown, keys: KeyPath): string[] {
    return Array.isArray(value) ? asTexts(value, keys) : [asText(value, keys) ?? []].flat();
  }

  function wrong(value: unknown, keys: KeyPath, wanted: string, cure = ''): Error {
    const what = keys.length === 0 ? 'the file' : `"${keys.join('.')}"`;
    const advice = typeof value === 'number' || typeof value === 'boolean' ? cure : '';
    return fail(keys, `${what} is ${describeValue(value)}, ${wanted} was expected${advice}`);
  }
}

/** compose-go, loader/reset.go: both tags take away what earlier files say at their place. */
function findRemovals({ tagged }: YamlDocument): Removals {
  const removals = new Map<string, Set<string> | 'all'>();
  for (const { tag, path } of tagged) {
    const [section, service = everyService, ...keys] = path.map(String);
    if (section !== 'services' || (tag !== '!reset' && tag !== '!override')) continue;
    const known = removals.get(service);
    if (keys.length === 0) removals.set(service, 'all');
    else if (known !== 'all') removals.set(service, new Set([...(known ?? []), keys.join('.')]));
  }
  return removals;
}
