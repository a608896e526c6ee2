/** Addresses of registries and of what is in them: `docker://registry.example:5000/shop/web:1`. */
import type { Digest } from '../../ground/digest.ts';
import { BundleError } from '../../ground/errors.ts';
import { familiarName, parseReference, type Reference } from '../../image/reference.ts';

export const registryScheme = 'docker://';

/** A registry, or a part of one, or one image there. */
export type RegistryPlace =
  | {
      readonly kind: 'registry';
      /** `registry.example:5000`; `docker.io` for Docker Hub. */
      readonly host: string;
      /** What stands before the names of all repositories: empty, or `team/`. */
      readonly prefix: string;
    }
  | { readonly kind: 'image'; readonly reference: SingleReference };

/** A reference to one image by name. */
export type SingleReference = Extract<Reference, { kind: 'name' | 'digest' }>;

/** A repository in a registry. */
export interface Repository {
  readonly host: string;
  /** `shop/web` */
  readonly path: string;
}

/** A tag or a digest. */
export type ManifestName = string | Digest;

/**
 * Parses `docker://…` (docs/decisions/0085): a host alone, or anything with a slash at its end, is a registry or a part
 * of one; everything else is an image as docker would write it. Throws invalid-argument, invalid-reference.
 */
export function parseRegistryPlace(text: string): RegistryPlace {
  const rest = text.slice(registryScheme.length);
  // Nothing of it is shown, for a password may stand in it.
  if (/^[^/]*@(?!sha256:)/.test(rest)) {
    throw new BundleError(
      'invalid-argument',
      'Cannot use this docker:// address: there is a user in it, and a host was expected first',
      { hint: 'Log in with docker login HOST; bundlefs reads what that keeps.' },
    );
  }
  if (rest.endsWith('/')) return parsePrefix(text, rest.slice(0, -1));
  if (isBareHost(rest)) return parsePrefix(text, rest);
  if (rest === '') throw notAPlace(text);
  const reference = parseReference(rest);
  if (reference.kind === 'name' || reference.kind === 'digest') return { kind: 'image', reference };
  throw new BundleError(
    'invalid-argument',
    `Cannot use "${text}": a name was expected behind docker://, not ${reference.kind === 'id' ? 'an image id' : 'a pattern'}`,
    { hint: 'Name the registry with a slash at its end, and the images behind it: docker://HOST/ IMAGE…' },
  );
}

/** The repository of a fully qualified name: `docker.io/library/app`. */
export function splitRepository(repository: string): Repository {
  const slash = repository.indexOf('/');
  return { host: repository.slice(0, slash), path: repository.slice(slash + 1) };
}

/** What a repository is called in references: `shop/web` of docker.io, `registry.example/shop/web` of others. */
export function formatRepository({ host, path }: Repository): string {
  return familiarName(`${host}/${path}`);
}

/** A host without a slash behind it could be a short name (`redis:7`): it is a host where it looks like one. */
function isBareHost(text: string): boolean {
  return /^(?:localhost|\[[0-9a-fA-F:]+\]|[^/:@]*\.[^/:@]*)(?::\d+)?$/.test(text);
}

function parsePrefix(text: string, place: string): RegistryPlace {
  const [host = '', ...path] = place.split('/');
  if (host === '') throw notAPlace(text);
  const probe = parseReference(`${place}/a`); // throws where host or path cannot be what they are
  if (probe.kind !== 'name') throw notAPlace(text);
  return {
    kind: 'registry',
    host: host === 'index.docker.io' ? 'docker.io' : host,
    prefix: path.map((part) => `${part}/`).join(''),
  };
}

function notAPlace(text: string): BundleError {
  return new BundleError('invalid-argument', `Cannot use "${text}": a registry or an image was expected`, {
    hint: 'For example docker://registry.example:5000/shop/web:1, or docker://registry.example:5000 and names of images.',
  });
}
