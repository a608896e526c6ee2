/** Reads an image's config and checks it against its name. */
import { type Digest, digestOf } from '../../../ground/digest.ts';
import { BundleError } from '../../../ground/errors.ts';
import { configCorrupt } from '../../../image/image-config.ts';
import { hollowImageHint } from './locate-layers.ts';
import type { LocatedBlob } from './listed-image.ts';
import { findPart, type MemberTable, readDocument } from './member-table.ts';

/** The bytes of the config of the image that `label` names. Throws config-*, archive-*. */
export async function readConfig(
  table: MemberTable,
  config: LocatedBlob,
  label: string,
): Promise<Uint8Array> {
  const { name, digest } = config;
  const member = await findPart(table, name, label);
  if (member === undefined) {
    throw new BundleError(
      'config-missing',
      `Cannot take ${label}: its config "${name}" is named by ${table.label}, but is not in it`,
      { hint: hollowImageHint('IMAGE') },
    );
  }
  // A config too damaged to pass for JSON was taken for a layer; its digest says more than that.
  if (member.kind === 'passed') {
    checkConfig(config, member.storedDigest, label);
    throw configCorrupt(`the config of ${label} ("${name}" in ${table.label})`, 'it is not JSON');
  }
  const bytes = await readDocument(member, table.label);
  if (digest !== undefined) checkConfig(config, digestOf(bytes), label);
  return bytes;
}

function checkConfig({ name, digest }: LocatedBlob, found: Digest, label: string): void {
  if (digest === undefined || found === digest) return;
  throw new BundleError('config-mismatch', `Cannot take ${label}: its config "${name}" hashes to ${found}`, {
    hint: 'The archive is damaged, or was put together wrongly. Save or copy it again.',
  });
}
