/** Reads what a service of a Compose file says of its images. Values that only its containers need are not looked at. */
import { resolve } from 'node:path';
import type { KeyPath } from '../yaml-document.ts';
import { interpolate, InterpolationError, type Lookup } from './interpolate.ts';
import type { Dependency, Extends, ServiceModel } from './service-model.ts';
import type { ValueReader } from './value-reader.ts';

export interface ReadServiceOptions {
  readonly reader: ValueReader;
  readonly lookup: Lookup;
  /** What files in `extends` are relative to. */
  readonly folder: string;
}

/** `value`, which is found at `keys`, as a service. Throws selection-invalid. */
export function readService(
  value: unknown,
  keys: KeyPath,
  { reader, lookup, folder }: ReadServiceOptions,
): ServiceModel {
  const { asMap, asText, asTexts, asList, fail } = reader;
  const map = asMap(value, keys);
  const text = (key: string): string | undefined => asText(map.get(key), [...keys, key]);
  const [image, platform] = [text('image'), text('platform')];
  const extended = readExtends(map.get('extends'), [...keys, 'extends']);
  return {
    image,
    platform,
    extends: extended,
    hasBuild: ![undefined, null].includes(map.get('build') as null | undefined),
    hasProvider: map.get('provider') instanceof Map,
    profiles: asTexts(map.get('profiles'), [...keys, 'profiles']),
    dependsOn: readDependsOn(map.get('depends_on'), [...keys, 'depends_on']),
    shared: readShared(),
    volumes: readVolumes(map.get('volumes'), [...keys, 'volumes']),
    hookImages: asList(map.get('pre_start'), [...keys, 'pre_start']).flatMap((hook, index) => {
      const at = [...keys, 'pre_start', index];
      return asText(asMap(hook, at).get('image'), [...at, 'image']) ?? [];
    }),
  };

  function readExtends(extended: unknown, at: KeyPath): Extends | undefined {
    if (extended === null || extended === undefined) return undefined;
    if (!(extended instanceof Map)) return { service: asText(extended, at) ?? '' };
    const service = asText(extended.get('service'), [...at, 'service']);
    if (service === undefined) throw fail(at, '"extends" does not say which service');
    const file = asText(extended.get('file'), [...at, 'file']);
    return { service, file: file === undefined ? undefined : resolve(folder, file) };
  }

  function readDependsOn(declared: unknown, at: KeyPath): Map<string, Dependency> {
    if (!(declared instanceof Map)) {
      return new Map(asTexts(declared, at).map((name) => [name, { isRequired: true }]));
    }
    return new Map(
      [...asMap(declared, at)].map(([name, entry]) => {
        const isRequired: unknown = entry instanceof Map ? entry.get('required') : undefined;
        return [name, typeof isRequired === 'boolean' ? { isRequired } : {}];
      }),
    );
  }

  /** compose-go, loader/normalize.go: links, volumes_from and shared namespaces are dependencies, too. */
  function readShared(): Map<string, string[]> {
    const first = (entry: string): string => entry.replace(/:.*$/s, '');
    const found = new Map([
      ['links', asTexts(map.get('links'), [...keys, 'links']).map(first)],
      [
        'volumes_from',
        asTexts(map.get('volumes_from'), [...keys, 'volumes_from'])
          .filter((entry) => !entry.startsWith('container:'))
          .map(first),
      ],
    ]);
    for (const key of ['network_mode', 'ipc', 'pid', 'uts', 'cgroup']) {
      const namespace = text(key);
      const service = /^service:(.*)$/s.exec(namespace ?? '')?.[1];
      if (namespace !== undefined) found.set(key, service === undefined ? [] : [service]);
    }
    return found;
  }

  /** A later volume at the same place of the container takes the place of the earlier one (compose-go, override/uncity.go). */
  function readVolumes(value: unknown, at: KeyPath): Map<string, string | undefined> {
    return new Map(
      asList(value, at).map((entry, index): [string, string | undefined] => {
        const here = [...at, index];
        if (!(entry instanceof Map)) return [findTarget(entry), undefined];
        const volume = asMap(entry, here);
        const target = leniently(volume.get('target'));
        if (leniently(volume.get('type')) !== 'image') return [target, undefined];
        const source = asText(volume.get('source'), [...here, 'source']);
        if (!source) throw fail(here, `"${here.join('.')}" is an image, and its source does not say which`);
        return [target, source];
      }),
    );
  }

  /** The text with its variables; one that is needed and not set is for the container to miss. */
  function leniently(value: unknown): string {
    if (typeof value !== 'string') return '';
    try {
      return interpolate(value, lookup);
    } catch (error) {
      if (!(error instanceof InterpolationError)) throw error;
      return interpolate(value, (name) => (lookup(name) === '' ? 'unset' : (lookup(name) ?? 'unset')));
    }
  }

  /** The place in the container that `source:target:ro` or `target` names. */
  function findTarget(entry: unknown): string {
    const [first = '', second = first] = leniently(entry)
      .replace(/^[a-z]:(?=[\\/])/i, '')
      .split(':');
    return second;
  }
}
