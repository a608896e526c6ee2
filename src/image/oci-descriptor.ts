/** OCI descriptors: what indexes and manifests refer to blobs by (OCI image-spec, descriptor.md). */
import { z } from 'zod';
import { type Digest, parseDigest } from '../digest.ts';
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

/** The shape of a descriptor in JSON. */
export const ociDescriptorSchema = z.object({
  mediaType: z.string().optional(),
  digest: z.string(),
  size: z.number().optional(),
  annotations: z.record(z.string(), z.string()).nullish(),
  urls: z.array(z.string()).nullish(),
  platform: z.object({ architecture: z.string(), os: z.string(), variant: z.string().optional() }).nullish(),
});

/** The descriptor; `what` names the document it stands in. Throws archive-corrupt where its digest is no sha256. */
export function toOciDescriptor(value: z.infer<typeof ociDescriptorSchema>, what: string): OciDescriptor {
  return {
    mediaType: value.mediaType,
    digest: parseDigest(value.digest, `a descriptor of ${what}`),
    size: value.size,
    platform: value.platform ? toPlatform(value.platform) : undefined,
    annotations: value.annotations ?? {},
    foreignUrls: findForeignUrls(value),
  };
}

/**
 * Whether this is no image but a statement about one, which BuildKit puts beside it (buildkit docs/attestations,
 * "attestation-storage").
 */
export function isAttestation({ platform, annotations }: OciDescriptor): boolean {
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

function toPlatform(value: {
  readonly architecture: string;
  readonly os: string;
  readonly variant?: string | undefined;
}): ImagePlatform {
  const { architecture, os, variant } = value;
  return { architecture, os, ...(variant ? { variant } : {}) };
}
