/** Digests in the names of members, which say what the bytes must be. */
import { type Digest, findDigestOfHex, hexOf } from '../../../ground/digest.ts';

/** Where an OCI layout has a blob (OCI image-spec, image-layout.md). */
export function blobName(digest: Digest): string {
  return `blobs/sha256/${hexOf(digest)}`;
}

/** The digest that a blob's name gives, or undefined for a member that is no blob. */
export function findBlobDigest(name: string): Digest | undefined {
  const hex = /^blobs\/sha256\/([^/]+)$/.exec(name)?.[1];
  return hex === undefined ? undefined : findDigestOfHex(hex);
}

/** The same for other names made of a digest too: `<hex>.json`, `<hex>.tar`, `sha256:<hex>`. */
export function findNamedDigest(name: string): Digest | undefined {
  const hex = /(?:^|[/:])([0-9a-f]{64})(?:\.json|\.tar)?$/.exec(name)?.[1];
  return hex === undefined ? undefined : findDigestOfHex(hex);
}
