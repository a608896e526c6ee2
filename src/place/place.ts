/** Places: what `--from`, `--on-from` and `--into` name. This file alone knows how they are written. */
import { BundleError } from '../ground/errors.ts';

export type Place =
  /** Without a host, the engine that the docker command would use. */
  | { readonly kind: 'engine'; readonly host: string | undefined }
  /** `address` begins with `docker://`: parseRegistryPlace reads it. */
  | { readonly kind: 'registry'; readonly address: string }
  | { readonly kind: 'oci-folder' | 'recipe' | 'archive'; readonly path: string }
  /** Standard input, which can be read only once. */
  | { readonly kind: 'stream' };

/** How paths of places that are no archives begin. */
const schemes = { 'oci-folder': 'oci:', recipe: 'recipe:', archive: '' } as const;

/**
 * The place that `text` names: nothing or `docker` the engine that the docker command would use, `docker:HOST` another
 * one, `docker://…` a registry or an image of one, `-` standard input, `oci:FOLDER` an OCI layout, `recipe:FILE` what
 * `bundlefs describe` wrote, anything else the path of an archive. Throws invalid-argument if the path is missing.
 */
export function parsePlace(text: string | undefined): Place {
  const place = findPlace(text);
  if (place !== undefined) return place;
  throw new BundleError(
    'invalid-argument',
    `Cannot read images from "${text ?? ''}": no file or folder is named`,
    {
      hint: 'Name an archive, oci:FOLDER or recipe:FILE. Perhaps it is a variable of the shell that is not set.',
    },
  );
}

/** The same, but undefined if the path is missing. */
export function findPlace(text = 'docker'): Place | undefined {
  if (text === '-') return { kind: 'stream' };
  if (text === 'docker') return { kind: 'engine', host: undefined };
  if (text.startsWith('docker://')) return { kind: 'registry', address: text };
  if (text.startsWith('docker:')) {
    const host = text.slice('docker:'.length);
    return { kind: 'engine', host: host === '' ? undefined : host };
  }
  const { kind, path } = splitPath(text);
  return path === '' ? undefined : { kind, path };
}

/** The parts of a text that is known to name a file or folder: `recipe:app.json` is a recipe at `app.json`. */
export function splitPath(text: string): {
  readonly kind: keyof typeof schemes;
  readonly path: string;
} {
  for (const kind of ['oci-folder', 'recipe'] as const) {
    if (text.startsWith(schemes[kind])) return { kind, path: text.slice(schemes[kind].length) };
  }
  return { kind: 'archive', path: text };
}

/** `place` as parsePlace reads it. */
export function formatPlace(place: Place): string {
  switch (place.kind) {
    case 'engine':
      return place.host === undefined ? 'docker' : `docker:${place.host}`;
    case 'registry':
      return place.address;
    case 'stream':
      return '-';
    case 'oci-folder':
    case 'recipe':
    case 'archive':
      return `${schemes[place.kind]}${place.path}`;
  }
}

/** `text` with the path in it, if there is one, replaced by what `at` gives for it. */
export function mapPath(text: string, at: (path: string) => string): string {
  const place = findPlace(text);
  if (place === undefined || !('path' in place)) return text;
  return formatPlace({ kind: place.kind, path: at(place.path) });
}

/** Whether `from` names standard input: there is no second reading of it. */
export function isStandardInput(from: string | undefined): boolean {
  return findPlace(from)?.kind === 'stream';
}
