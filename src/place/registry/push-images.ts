/** Pushes images to a registry from the blocks of a bundle: what it has already is not sent, and not even decoded. */
import { type DiffId, type Digest, digestOf } from '../../ground/digest.ts';
import { BundleError } from '../../ground/errors.ts';
import { describeImage, type Image } from '../../image/image.ts';
import { findManifest, findManifestDigest, manifestTypes } from './manifests.ts';
import { openRegistry, type OpenRegistryOptions, type RegistryClient } from './talk/registry-client.ts';
import { splitRepository } from './registry-place.ts';
import type { PushPlace, PushTarget } from './push-targets.ts';
import { type Blob, hasBlob, mountBlob, pushScope, uploadBlob } from './upload-blob.ts';

/** Where the parts of the images are. */
export interface PushedParts {
  manifestOf(config: Digest): Uint8Array;
  layerSize(diffId: DiffId): number;
  streamLayer(diffId: DiffId, options: { start: number; signal?: AbortSignal }): AsyncIterable<Uint8Array>;
}

export interface PushImagesOptions extends OpenRegistryOptions {
  /** Whether nothing is sent, and what would be is told. */
  readonly isDryRun?: boolean;
  readonly signal?: AbortSignal;
  /** Called with bytes sent, and how many there are that may have to be. */
  readonly onProgress?: (done: number, total: number) => void;
}

export interface PushedImage {
  /** The whole name there. */
  readonly name: string;
  /** Of its manifest. */
  readonly digest: Digest;
  readonly status: 'pushed' | 'already there' | 'would be pushed';
  readonly blobs: readonly PushedBlob[];
}

/** A layer or config; each is told of once for a repository. */
export interface PushedBlob {
  readonly digest: Digest;
  readonly size: number;
  readonly status: 'sent' | 'mounted' | 'already there';
}

interface Push {
  readonly client: RegistryClient;
  readonly parts: PushedParts;
  readonly isDryRun: boolean;
  readonly signal: AbortSignal | undefined;
  /** By digest, the repositories that have the blob. */
  readonly places: Map<Digest, Set<string>>;
  readonly onSent: (size: number) => void;
}

/**
 * Pushes `images` to `place`, each under all its names. The layers go uncompressed, so that their digests are known
 * beforehand (docs/decisions/0087); a layer that another repository there has is mounted. Afterwards every tag is read
 * back. Throws push-failed, access-denied, source-unreachable, invalid-argument, what reading the parts throws, and the
 * signal's reason.
 */
export async function pushImages(
  images: readonly Image[],
  place: PushPlace,
  parts: PushedParts,
  { isDryRun = false, signal, onProgress, ...options }: PushImagesOptions = {},
): Promise<PushedImage[]> {
  const targets = place.listTargets(images);
  const client = openRegistry(place.host, { failureCode: 'push-failed', ...options });
  const total = sumSizes(images, parts);
  let done = 0;
  const push: Push = {
    client,
    parts,
    isDryRun,
    signal,
    places: new Map(),
    onSent: (size) => onProgress?.(Math.min((done += size), total), total),
  };
  try {
    const pushed: PushedImage[] = [];
    for (const target of targets) pushed.push(await pushImage(push, target));
    return pushed;
  } finally {
    client.close();
  }
}

async function pushImage(push: Push, target: PushTarget): Promise<PushedImage> {
  const { client, parts, isDryRun, signal } = push;
  const { image, path, tag, name } = target;
  const manifest = parts.manifestOf(image.configDigest);
  const digest = digestOf(manifest);
  const before = await findManifestDigest(client, path, tag, { signal, scopes: [pushScope(path)] });
  const blobs = listBlobs(parts, image, signal);
  if (before.digest === digest) {
    for (const known of [digest, ...blobs.map((blob) => blob.digest)]) note(push, known, path);
    return { name, digest, status: 'already there', blobs: [] };
  }
  const pushed: PushedBlob[] = [];
  for (const blob of blobs) {
    signal?.throwIfAborted();
    if (push.places.get(blob.digest)?.has(path) === true) continue;
    const status = await pushBlob(push, target, blob);
    note(push, blob.digest, path);
    pushed.push({ digest: blob.digest, size: blob.size, status });
  }
  if (isDryRun) return { name, digest, status: 'would be pushed', blobs: pushed };
  const isKnown = push.places.get(digest)?.has(path) === true; // under another tag
  for (const reference of isKnown ? [tag] : [digest, tag]) {
    await putManifest(push, path, reference, manifest, name);
  }
  note(push, digest, path);
  await checkTag(push, target, manifest);
  return { name, digest, status: 'pushed', blobs: pushed };
}

async function pushBlob(push: Push, { image, path }: PushTarget, blob: Blob): Promise<PushedBlob['status']> {
  const { client, isDryRun, signal, onSent } = push;
  if (await hasBlob(client, path, blob, { signal })) return 'already there';
  for (const from of listOrigins(push, image, blob.digest, path)) {
    if (isDryRun || (await mountBlob(client, path, from, blob, { signal }))) return 'mounted';
  }
  if (isDryRun) return 'sent';
  let sent = 0;
  await uploadBlob(client, path, blob, {
    signal,
    onSent(done) {
      onSent(done - sent);
      sent = done;
    },
  });
  return 'sent';
}

/** The repositories of this registry that have the blob: those of this push, and those that the image came from. */
function listOrigins(
  { client, places, isDryRun }: Push,
  image: Image,
  digest: Digest,
  path: string,
): string[] {
  const known = [...(places.get(digest) ?? [])];
  const own = image.tags
    .map((name) => splitRepository(name.slice(0, name.lastIndexOf(':'))))
    .filter(({ host }) => host === client.host)
    .map((repository) => repository.path);
  // Whether they have it uncompressed only asking tells, and a dry run does not.
  return [...new Set([...known, ...(isDryRun ? [] : own)])].filter((other) => other !== path).slice(0, 3);
}

function note({ places }: Push, digest: Digest, path: string): void {
  const paths = places.get(digest) ?? new Set();
  places.set(digest, paths.add(path));
}

/** Its layers, each once, and its config. */
function listBlobs(parts: PushedParts, image: Image, signal: AbortSignal | undefined): Blob[] {
  const name = describeImage(image);
  const layers = [...new Set(image.layers)].map((diffId): Blob => ({
    digest: diffId,
    size: parts.layerSize(diffId),
    label: `layer ${image.layers.indexOf(diffId) + 1} of ${name}`,
    stream: (start) => parts.streamLayer(diffId, { start, signal }),
  }));
  const { configDigest, config } = image;
  return [
    ...layers,
    {
      digest: configDigest,
      size: config.length,
      label: `the config of ${name}`,
      stream: (start) => [config.subarray(start)],
    },
  ];
}

async function putManifest(
  { client, signal }: Push,
  path: string,
  reference: string,
  manifest: Uint8Array,
  name: string,
): Promise<void> {
  await client.ask({
    what: `write the manifest of ${name}`,
    method: 'PUT',
    path: `/v2/${path}/manifests/${reference}`,
    scopes: [pushScope(path)],
    body: { type: manifestTypes.manifest, size: manifest.length, stream: () => [manifest] },
    wanted: [200, 201, 202],
    signal,
  });
}

/** A registry that rewrites manifests, or a second one who pushes, would go unnoticed otherwise. */
async function checkTag(
  { client, signal }: Push,
  { path, tag, name }: PushTarget,
  manifest: Uint8Array,
): Promise<void> {
  const found = await findManifest(client, path, tag, { signal, scopes: [pushScope(path)] });
  if (found !== undefined && Buffer.compare(found.bytes, manifest) === 0) return;
  const has = found === undefined ? 'nothing' : found.digest;
  throw new BundleError(
    'push-failed',
    `Cannot push ${name}: the registry has ${has} under this name afterwards, ${digestOf(manifest)} was sent`,
    { hint: 'Somebody else may have pushed at the same time. Push again.' },
  );
}

function sumSizes(images: readonly Image[], parts: PushedParts): number {
  const layers = new Set(images.flatMap((image) => image.layers));
  const configs = images.reduce((sum, { config }) => sum + config.length, 0);
  return [...layers].reduce((sum, diffId) => sum + parts.layerSize(diffId), configs);
}
