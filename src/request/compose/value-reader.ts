/** Reads values of one document of a Compose file, with their variables and with errors that say where they are. */
import { describeValue, fileFault } from '../file-fault.ts';
import type { KeyPath, YamlDocument } from '../yaml-document.ts';
import { interpolate, InterpolationError, type Lookup } from './interpolate.ts';

/** All throw selection-invalid where a value is of another kind; what is empty (`image:`) is as if it was not there. */
export interface ValueReader {
  readonly asMap: (value: unknown, keys: KeyPath) => ReadonlyMap<string, unknown>;
  readonly asText: (value: unknown, keys: KeyPath) => string | undefined;
  readonly asTexts: (value: unknown, keys: KeyPath) => string[];
  /** A list, of which one text is a short form. */
  readonly asTextOrTexts: (value: unknown, keys: KeyPath) => string[];
  readonly asList: (value: unknown, keys: KeyPath) => readonly unknown[];
  /** The error for a value that is wrong. */
  readonly fail: (keys: KeyPath, what: string) => Error;
}

/** For `document`, one of the file at `path`. */
export function createValueReader(document: YamlDocument, path: string, lookup: Lookup): ValueReader {
  const fail = (keys: KeyPath, what: string): Error => fileFault(path, document.positionOf(keys), what);
  const wrong = (value: unknown, keys: KeyPath, wanted: string, cure = ''): Error => {
    const what = keys.length === 0 ? 'the file' : `"${keys.join('.')}"`;
    const advice = typeof value === 'number' || typeof value === 'boolean' ? cure : '';
    return fail(keys, `${what} is ${describeValue(value)}, ${wanted} was expected${advice}`);
  };
  const reader: ValueReader = {
    asMap(value, keys) {
      if (value === null || value === undefined) return new Map();
      if (!(value instanceof Map)) throw wrong(value, keys, 'a mapping');
      return new Map([...value].map(([key, entry]: [unknown, unknown]) => [String(key), entry]));
    },
    asText(value, keys) {
      if (value === null || value === undefined) return undefined;
      if (typeof value !== 'string') throw wrong(value, keys, 'text', '. Put it in quotes');
      try {
        return interpolate(value, lookup);
      } catch (error) {
        if (error instanceof InterpolationError) throw fail(keys, `"${keys.join('.')}": ${error.message}`);
        throw error;
      }
    },
    asList(value, keys) {
      if (value === null || value === undefined) return [];
      if (!Array.isArray(value)) throw wrong(value, keys, 'a list');
      return value as unknown[];
    },
    asTexts: (value, keys) =>
      reader.asList(value, keys).map((entry, index) => reader.asText(entry, [...keys, index]) ?? ''),
    asTextOrTexts: (value, keys) =>
      Array.isArray(value) ? reader.asTexts(value, keys) : [reader.asText(value, keys) ?? []].flat(),
    fail,
  };
  return reader;
}
