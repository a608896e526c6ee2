/** Digests: branded strings, so that a layer's name cannot be taken for a block's. */
import { createHash, type Hash } from 'node:crypto';
import { BundleError } from './errors.ts';

declare const brand: unique symbol;

/** `sha256:` and 64 lower-case hex digits, of some bytes (OCI image-spec, descriptor.md, "Digests"). */
export type Digest = string & { readonly [brand]: 'digest' };
/** The Digest of a layer's uncompressed tar (OCI image-spec, config.md, "Layer DiffID"). */
export type DiffId = Digest & { readonly diffId: never };

const pattern = /^sha256:[0-9a-f]{64}$/;

/** Whether `text` is a well-formed Digest. */
export function isDigest(text: string): text is Digest {
  return pattern.test(text);
}

/** Returns `text` as a Digest; throws `archive-corrupt` naming `what` where it is none. */
export function parseDigest(text: string, what: string): Digest {
  if (isDigest(text)) return text;
  throw new BundleError('archive-corrupt', `Cannot read ${what}: "${text}" is not a sha256 digest`);
}

/** The same for a layer's digest. */
export function parseDiffId(text: string, what: string): DiffId {
  return parseDigest(text, what) as DiffId;
}

/** The digest of `bytes`. */
export function digestOf(bytes: Uint8Array): Digest {
  return finishDigest(createHash('sha256').update(bytes));
}

/** A new sha256 to update; end it with finishDigest. */
export function startDigest(): Hash {
  return createHash('sha256');
}

/** The digest of all that was given to `hash`. */
export function finishDigest(hash: Hash): Digest {
  return `sha256:${hash.digest('hex')}` as Digest;
}

/** The 64 hex digits of `digest`. */
export function hexOf(digest: Digest): string {
  return digest.slice('sha256:'.length);
}

/** The digest that these 64 hex digits name, or undefined where they are none. */
export function findDigestOfHex(hex: string): Digest | undefined {
  const text = `sha256:${hex}`;
  return isDigest(text) ? text : undefined;
}
