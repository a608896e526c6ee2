/** Reads manifests and indexes of a registry, and what it calls them. */
import { type Digest, digestOf, isDigest } from '../../ground/digest.ts';
import { BundleError } from '../../ground/errors.ts';
import { registryLimits } from './talk/limits.ts';
import type { RegistryClient, RegistryRequest } from './talk/registry-client.ts';
import { formatRepository, type ManifestName } from './registry-place.ts';

/** OCI image-spec, media-types.md, and docker's own names for the same. Without these, registries give ancient forms. */
export const manifestTypes = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerIndex: 'application/vnd.docker.distribution.manifest.list.v2+json',
} as const;

const accepted = Object.values(manifestTypes).join(', ');

export interface ReadManifestOptions {
  readonly signal?: AbortSignal | undefined;
  /** What a token must allow, where that is more than to read: then one token does for all. */
  readonly scopes?: readonly string[];
}

export interface FoundManifest {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

/** What a token for reading `path` must allow. */
export function pullScope(path: string): string {
  return `repository:${path}:pull`;
}

/**
 * The digest that `name` has now, for one request that gives no content; `hasIt` is false where there is none, and the
 * digest undefined where the registry does not tell. Throws what the client throws.
 */
export async function findManifestDigest(
  client: RegistryClient,
  path: string,
  name: ManifestName,
  options: ReadManifestOptions = {},
): Promise<{ readonly hasIt: boolean; readonly digest: Digest | undefined }> {
  const request = requestOf(path, name, options);
  const { status, headers } = await client.ask({ ...request, method: 'HEAD', wanted: [200, 404, 405] });
  const digest = headers['docker-content-digest'];
  return {
    hasIt: status !== 404,
    digest: status === 200 && typeof digest === 'string' && isDigest(digest) ? digest : undefined,
  };
}

/**
 * The manifest or index of this name, or undefined. Its bytes hash to the digest that it was asked for by, or that the
 * registry says: throws archive-corrupt otherwise, and what the client throws.
 */
export async function findManifest(
  client: RegistryClient,
  path: string,
  name: ManifestName,
  options: ReadManifestOptions = {},
): Promise<FoundManifest | undefined> {
  const { status, headers, bytes } = await client.ask(requestOf(path, name, options));
  if (status === 404) return undefined;
  const digest = digestOf(bytes);
  const said = isDigest(name) ? name : headers['docker-content-digest'];
  if (said !== undefined && said !== digest) {
    throw new BundleError(
      'archive-corrupt',
      `Cannot read the manifest ${name} of ${formatRepository({ host: client.host, path })}: its bytes hash to ${digest}, ${String(said)} was said`,
      { hint: 'The registry, or a cache in between, has damaged it. Push the image again.' },
    );
  }
  return { digest, mediaType: (headers['content-type'] ?? '').replace(/;.*$/, ''), bytes };
}

function requestOf(
  path: string,
  name: ManifestName,
  { signal, scopes = [pullScope(path)] }: ReadManifestOptions,
): RegistryRequest {
  const separator = isDigest(name) ? '@' : ':';
  return {
    what: `read the manifest of ${path}${separator}${name}`,
    path: `/v2/${path}/manifests/${name}`,
    scopes,
    headers: { Accept: accepted },
    wanted: [200, 404],
    limit: registryLimits.manifestSize,
    signal,
  };
}
