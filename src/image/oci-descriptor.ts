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
}

/** The shape of a descriptor in JSON. */
export const ociDescriptorSchema = z.object({
  mediaType: z.string().optional(),
  digest: z.string(),
  size: z.number().optional(),
  annotations: z.record(z.string(), z.string()).nullish(),
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

function toPlatform(value: {
  readonly architecture: string;
  readonly os: string;
  readonly variant?: string | undefined;
}): ImagePlatform {
  const { architecture, os, variant } = value;
  return { architecture, os, ...(variant ? { variant } : {}) };
}
