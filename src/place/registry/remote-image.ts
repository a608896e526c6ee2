/** What a registry has of one image: its manifest for the wanted platform, its config, and where its layers are. */
import { type Digest, digestOf } from '../../ground/digest.ts';
import { BundleError } from '../../ground/errors.ts';
import { createImage, type Image } from '../../image/image.ts';
import { readImagePlatform } from '../../image/image-config.ts';
import { isAttestation, type OciDescriptor } from '../../image/oci-descriptor.ts';
import { findManifestFault, isImageDocument, noImage } from '../../image/no-image.ts';
import { type OciDocument, parseOciDocument } from '../../image/oci-manifest.ts';
import { findForPlatform, formatPlatform, matchesPlatform, type PlatformWish } from '../../image/platform.ts';
import { formatName } from '../../image/reference.ts';
import { registryLimits } from './talk/limits.ts';
import { findManifest, type FoundManifest, pullScope } from './manifests.ts';
import type { RegistryClient } from './talk/registry-client.ts';
import type { ManifestName } from './registry-place.ts';
import { describeRegistry, type WantedImage, wantedNotFound } from './wanted-images.ts';

/** Where an image is asked for. */
export interface RemoteRequest {
  readonly client: RegistryClient;
  readonly wanted: WantedImage;
  readonly wish: PlatformWish;
  readonly signal: AbortSignal | undefined;
}

export interface RemoteImage {
  readonly image: Image;
  /** From the lowest up, as many as the image has. */
  readonly layers: readonly OciDescriptor[];
}

type ManifestDocument = Extract<OciDocument, { kind: 'manifest' }>;

/**
 * Reads manifest and config of the image that `name`, its tag or the digest of that, has now. Throws image-not-found,
 * image-unsupported, archive-*, config-*, and what the client throws.
 */
export async function readRemoteImage(request: RemoteRequest, name: ManifestName): Promise<RemoteImage> {
  const { client, wanted, wish, signal } = request;
  const { text } = wanted.reference;
  const found = await findManifest(client, wanted.path, name, { signal });
  if (found === undefined) throw await wantedNotFound(client, wanted, signal);
  const manifest = await chooseManifest(request, found);
  const config = await readConfig(request, manifest.config);
  const image = createImage(config, namesOf(wanted), `the config of ${text}`);
  if (wish.isRequired) checkPlatform(request, config);
  if (image.layers.length !== manifest.layers.length) {
    throw new BundleError(
      'archive-corrupt',
      `Cannot take ${text} of ${describeRegistry(client)}: its manifest names ${manifest.layers.length} layers, its config ${image.layers.length}`,
    );
  }
  return { image, layers: manifest.layers };
}

/** The names that the image has in a bundle: one that is asked for by its digest has none. */
export function namesOf({ reference }: WantedImage): readonly string[] {
  return reference.kind === 'name' ? [formatName(reference)] : [];
}

/** Throws image-not-found where the image with this config is not for the platform that must be. */
export function checkPlatform({ client, wanted, wish }: RemoteRequest, config: Uint8Array): void {
  const platform = readImagePlatform(config);
  if (!matchesPlatform(platform, wish.platform)) {
    throw notForPlatform(client, wanted, wish, [formatPlatform(platform)]);
  }
}

async function chooseManifest(request: RemoteRequest, first: FoundManifest): Promise<ManifestDocument> {
  const { client, wanted, wish, signal } = request;
  let found = first;
  for (let count = 0; count <= registryLimits.indexDepth; count += 1) {
    const document = parseManifest(request, found);
    if (document.kind === 'manifest') return document;
    const images = document.manifests.filter((descriptor) => !isAttestation(descriptor));
    const [only] = images;
    const chosen =
      images.length === 1 && !wish.isRequired
        ? only
        : findForPlatform(images, ({ platform }) => platform, wish.platform);
    if (chosen === undefined) {
      const platforms = images.flatMap(({ platform }) => (platform ? [formatPlatform(platform)] : []));
      throw notForPlatform(client, wanted, wish, [...new Set(platforms)]);
    }
    if ('fault' in chosen) throw chosen.fault;
    const next = await findManifest(client, wanted.path, chosen.digest, { signal });
    if (next === undefined) throw manifestMissing(request, chosen.digest);
    found = next;
  }
  throw new BundleError(
    'archive-unsupported',
    `Cannot take ${wanted.reference.text} of ${describeRegistry(client)}: its index names an index, and so on`,
  );
}

function parseManifest({ client, wanted }: RemoteRequest, { mediaType, bytes }: FoundManifest): OciDocument {
  const { text } = wanted.reference;
  const what = `the manifest of ${text} in ${describeRegistry(client)}`;
  if (mediaType.includes('manifest.v1+') && mediaType.includes('docker')) {
    throw new BundleError(
      'archive-unsupported',
      `Cannot read ${what}: it is of version 1, which has no config`,
      {
        hint: 'Pull and push the image with a docker of the last years.',
      },
    );
  }
  const label = `${text} of ${describeRegistry(client)}`;
  // Some registries call any manifest JSON.
  if (mediaType.startsWith('application/vnd.') && isImageDocument(mediaType) === false) {
    throw noImage(label, `it is "${mediaType}"`);
  }
  const document = parseOciDocument(bytes, what);
  const fault = document.kind === 'manifest' ? findManifestFault(document) : undefined;
  if (fault !== undefined) throw noImage(label, fault);
  return document;
}

/** Throws config-missing, config-mismatch. */
async function readConfig(
  { client, wanted, signal }: RemoteRequest,
  { digest, size = registryLimits.configSize }: OciDescriptor,
): Promise<Uint8Array> {
  const { text } = wanted.reference;
  const { status, bytes } = await client.ask({
    what: `read the config of ${text}`,
    path: `/v2/${wanted.path}/blobs/${digest}`,
    scopes: [pullScope(wanted.path)],
    headers: { 'Accept-Encoding': 'identity' },
    wanted: [200, 404],
    limit: Math.min(size, registryLimits.configSize),
    signal,
  });
  if (status === 404) {
    throw new BundleError(
      'config-missing',
      `Cannot take ${text}: ${client.host} does not have its config ${digest}`,
      {
        hint: 'The image was not pushed whole, or a part of it was removed. Push it again.',
      },
    );
  }
  const found = digestOf(bytes);
  if (found === digest) return bytes;
  throw new BundleError(
    'config-mismatch',
    `Cannot take ${text} of ${describeRegistry(client)}: its config hashes to ${found}, ${digest} was wanted`,
    { hint: 'The registry, or a cache in between, has damaged it. Push the image again.' },
  );
}

function notForPlatform(
  client: RegistryClient,
  { reference }: WantedImage,
  wish: PlatformWish,
  platforms: readonly string[],
): BundleError {
  const wanted = formatPlatform(wish.platform);
  const has = platforms.join(', ') || 'no platform that it names';
  return new BundleError(
    'image-not-found',
    `Cannot find image "${reference.text}" for ${wanted}: ${describeRegistry(client)} has it for ${has}`,
    { hint: platforms[0] === undefined ? '' : `For another one: --platform ${platforms[0]}` },
  );
}

function manifestMissing({ client, wanted }: RemoteRequest, digest: Digest): BundleError {
  return new BundleError(
    'archive-corrupt',
    `Cannot take ${wanted.reference.text} of ${describeRegistry(client)}: its index names the manifest ${digest}, which is not there`,
    { hint: 'Not all platforms of it were pushed or copied. Push it again.' },
  );
}
