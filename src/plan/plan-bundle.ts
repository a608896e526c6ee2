/** Plans the bundle tar: which members it has, in which order, and the bytes of all that is not a layer. */
import { type DiffId, type Digest, digestOf, hexOf } from '../ground/digest.ts';
import type { Image } from '../image/image.ts';
import { appendAll } from '../ground/long-lists.ts';
import { type ImagePlatform, readImagePlatform } from '../image/image-config.ts';
import { refNameKey } from '../image/oci-descriptor.ts';
import { compareText, orderImages, orderLayers } from './total-order.ts';

/** One file of the bundle tar. */
export type Member =
  | { readonly kind: 'layer'; readonly name: string; readonly size: number; readonly diffId: DiffId }
  | { readonly kind: 'metadata'; readonly name: string; readonly size: number; readonly bytes: Uint8Array };

/** The version of the rules in this file: a bundle of the same images made by another version may differ. */
export const tarLayoutName = 'hybrid-1';

const mediaTypes = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
} as const;

interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: ImagePlatform;
}

/**
 * The members of the bundle of `images`, layers first and metadata last, in the one order that every host gives them.
 * This is the hybrid layout that docker, podman, skopeo and containerd all load (docs/format.md, "The bundle tar"):
 * regular files only, each blob once, layers uncompressed under their diffId.
 * `layerSize` gives a layer's tar size in bytes.
 */
export function planBundle(images: readonly Image[], layerSize: (diffId: DiffId) => number): Member[] {
  const ordered = orderImages(images);
  const layers = orderLayers(ordered).map((diffId): Member => ({
    kind: 'layer',
    name: blobName(diffId),
    size: layerSize(diffId),
    diffId,
  }));
  const blobs = new Map<string, Uint8Array>();
  const descriptors: Descriptor[] = [];
  for (const image of ordered) {
    blobs.set(blobName(image.configDigest), image.config);
    const manifest = ociManifest(image, layerSize);
    const digest = digestOf(manifest);
    blobs.set(blobName(digest), manifest);
    const descriptor = { mediaType: mediaTypes.manifest, digest, size: manifest.length };
    appendAll(descriptors, describeImage(image, descriptor));
  }
  const index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests: descriptors };
  return [
    ...layers,
    ...[...blobs].sort(([a], [b]) => compareText(a, b)).map(([name, bytes]) => metadata(name, bytes)),
    metadata('index.json', toJson(index)),
    metadata('manifest.json', toJson(ordered.map(dockerManifestEntry))),
    metadata('oci-layout', toJson({ imageLayoutVersion: '1.0.0' })),
  ];
}

/** The digest of the OCI manifest that `image` has in a bundle: its id in a containerd image store that loaded that. */
export function manifestDigestOf(image: Image, layerSize: (diffId: DiffId) => number): Digest {
  return digestOf(ociManifest(image, layerSize));
}

function blobName(digest: Digest): string {
  return `blobs/sha256/${hexOf(digest)}`;
}

function metadata(name: string, bytes: Uint8Array): Member {
  return { kind: 'metadata', name, size: bytes.length, bytes };
}

function toJson(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

/** OCI image-spec, manifest.md. The layers are listed as they lie in the bundle: uncompressed. */
function ociManifest(image: Image, layerSize: (diffId: DiffId) => number): Uint8Array {
  return toJson({
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: { mediaType: mediaTypes.config, digest: image.configDigest, size: image.config.length },
    layers: image.layers.map((digest) => ({ mediaType: mediaTypes.layer, digest, size: layerSize(digest) })),
  });
}

/**
 * The index entries of one image, one a tag, or one without a name for an untagged image, which has what its source
 * calls it in an annotation that no loader takes for a name. containerd takes the
 * image's name from io.containerd.image.name and wants it fully qualified; the ref.name is the tag, as docker has it.
 */
function describeImage(image: Image, manifest: Descriptor): Descriptor[] {
  const platform = readImagePlatform(image.config);
  if (image.tags.length === 0) {
    const { refName } = image;
    return [
      { ...manifest, ...(refName !== undefined && { annotations: { [refNameKey]: refName } }), platform },
    ];
  }
  return image.tags.map((name) => ({
    ...manifest,
    annotations: {
      'io.containerd.image.name': name,
      'org.opencontainers.image.ref.name': name.slice(name.lastIndexOf(':') + 1),
    },
    platform,
  }));
}

/** moby image/tarexport "manifestItem". Fully qualified tags, so that podman and docker agree on the names. */
function dockerManifestEntry(image: Image): object {
  return {
    Config: blobName(image.configDigest),
    RepoTags: image.tags.length === 0 ? null : image.tags,
    Layers: image.layers.map(blobName),
  };
}
