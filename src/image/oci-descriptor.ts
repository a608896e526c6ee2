/** OCI descriptors: what indexes and manifests refer to blobs by (OCI image-spec, descriptor.md). */
import * as z from 'zod';
import { type Digest, isDigest, parseDigest } from '../ground/digest.ts';
import { BundleError, isBundleError } from '../ground/errors.ts';
import { checkForeignValue, goObject } from './json/foreign-json.ts';
import type { ImagePlatform } from './image-config.ts';

export interface OciDescriptor {
  readonly mediaType: string | undefined;
  readonly digest: Digest;
  /** Bytes of the blob, as the descriptor has it. */
  readonly size: number | undefined;
  readonly platform: ImagePlatform | undefined;
  readonly annotations: Readonly<Record<string, string>>;
  /** Of a foreign layer: where its maker offers it; none where nobody does. Undefined for all other blobs. */
  readonly foreignUrls: readonly string[] | undefined;
}

/** Layers that only their makers may hand out (OCI image-spec, layer.md, "Non-Distributable Layers"; moby calls them foreign). */
const foreignTypes =
  /^application\/vnd\.(?:oci\.image\.layer\.nondistributable|docker\.image\.rootfs\.foreign)\./;

/** The annotation by which a bundle tells what an untagged image was called at its source: a tag alone. */
export const refNameKey = 'bundlefs.ref.name';

const platformSchema = goObject({
  architecture: z.string().default(''),
  os: z.string().default(''),
  variant: z.string().optional(),
});

/** The shape of a descriptor in JSON. */
export const ociDescriptorSchema = goObject({
  mediaType: z.string().optional(),
  digest: z.string(),
  size: z.number().optional(),
  annotations: z.record(z.string(), z.string()).optional(),
  urls: z.array(z.string()).optional(),
  platform: platformSchema.optional(),
});

/** OCI image-spec, descriptor.md, "Digests": the algorithm and what it made. */
const anyDigest = /^([a-z0-9]+(?:[.+_-][a-z0-9]+)*):[A-Za-z0-9=_-]+$/;

/**
 * The descriptor; `what` names the document it stands in. Throws archive-corrupt where its digest is none,
 * archive-unsupported where it is of another algorithm than sha256.
 */
export function toOciDescriptor(value: z.infer<typeof ociDescriptorSchema>, what: string): OciDescriptor {
  const algorithm = isDigest(value.digest) ? 'sha256' : (anyDigest.exec(value.digest)?.[1] ?? 'sha256');
  if (algorithm !== 'sha256') {
    throw new BundleError(
      'archive-unsupported',
      `Cannot read a descriptor of ${what}: its digest is one of ${algorithm}, sha256 is what can be read`,
      { hint: 'No container engine loads it either. Write the image again with sha256 digests.' },
    );
  }
  return {
    mediaType: value.mediaType,
    digest: parseDigest(value.digest, `a descriptor of ${what}`),
    size: value.size,
    platform: value.platform && toPlatform(value.platform),
    annotations: value.annotations ?? {},
    foreignUrls: findForeignUrls(value),
  };
}

/** A descriptor of an index that cannot be read: one image that cannot be taken. */
export interface UnreadableDescriptor {
  readonly fault: BundleError;
  readonly platform: ImagePlatform | undefined;
  readonly annotations: Readonly<Record<string, string>>;
}

/** What can be read of any descriptor. */
const partsSchema = goObject({
  annotations: z.record(z.string(), z.unknown()).optional().catch(undefined),
  platform: platformSchema.optional().catch(undefined),
});

/** What `value` of an index, which `what` names, is: a fault of one descriptor is that of one image. */
export function readOciDescriptor(value: unknown, what: string): OciDescriptor | UnreadableDescriptor {
  try {
    return toOciDescriptor(checkForeignValue(value, ociDescriptorSchema, `a descriptor of ${what}`), what);
  } catch (error) {
    if (!isBundleError(error)) throw error;
    const parts = partsSchema.safeParse(value).data;
    const texts = Object.entries(parts?.annotations ?? {}).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string',
    );
    return {
      fault: error,
      platform: parts?.platform && toPlatform(parts.platform),
      annotations: Object.fromEntries(texts),
    };
  }
}

/**
 * Whether this is no image but a statement about one, which BuildKit puts beside it (buildkit docs/attestations,
 * "attestation-storage").
 */
export function isAttestation({
  platform,
  annotations,
}: Pick<OciDescriptor, 'platform' | 'annotations'>): boolean {
  return (
    (platform?.os === 'unknown' && platform.architecture === 'unknown') ||
    annotations['vnd.docker.reference.type'] === 'attestation-manifest'
  );
}

/** Some writers give a layer an ordinary type, and addresses all the same. */
function findForeignUrls({
  mediaType,
  urls,
}: z.infer<typeof ociDescriptorSchema>): readonly string[] | undefined {
  const isForeign = (mediaType !== undefined && foreignTypes.test(mediaType)) || (urls ?? []).length > 0;
  return isForeign ? (urls ?? []) : undefined;
}

/** Undefined where it does not say all: the image's config does. */
function toPlatform({
  architecture,
  os,
  variant,
}: z.infer<typeof platformSchema>): ImagePlatform | undefined {
  if (architecture === '' || os === '') return undefined;
  return { architecture, os, ...(variant ? { variant } : {}) };
}

/** The error for the layer that `label` names, which `place` (`archive "images.tar"`) knows only the addresses of. */
export function foreignLayerMissing(label: string, place: string, urls: readonly string[]): BundleError {
  const [first] = urls;
  const offered =
    first === undefined
      ? 'It has no address to fetch it from.'
      : `Its maker offers it at ${first.replace(/[^\x21-\x7e]/g, '?')}`;
  return new BundleError(
    'layer-missing',
    `Cannot take ${label}: it is a foreign layer, which may not be handed out by others, and its bytes are not in ${place}`,
    {
      hint: [
        offered,
        'Where you may pass it on, have it put into an archive, and name that with --from:',
        '  skopeo copy docker://IMAGE docker-archive:images.tar:IMAGE',
      ],
    },
  );
}
