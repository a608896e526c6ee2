/** Finds an image's layers in a table of members, and compares what is known of them with the image's config. */
import { type DiffId, type Digest, digestOf } from '../../../ground/digest.ts';
import { BundleError } from '../../../ground/errors.ts';
import { foreignLayerMissing } from '../../../image/oci-descriptor.ts';
import type { Image } from '../../../image/image.ts';
import type { LocatedBlob } from './listed-image.ts';
import { findBlobDigest } from './member-index.ts';
import { findPart, type Member, type MemberTable } from './member-table.ts';

export interface LocatedLayer {
  readonly diffId: DiffId;
  readonly member: Member;
  /** What the stored bytes must hash to, where their name says it. */
  readonly storedDigest: Digest | undefined;
  /** `layer 3 of shop/web:1`. */
  readonly label: string;
}

const emptyDigest = digestOf(new Uint8Array(0));

/**
 * The members of `image`, which `label` names, at `blobs`. Reads nothing. Throws archive-corrupt where there are more or
 * fewer than the config's diffIds, layer-missing where one is not there, layer-mismatch where one is known to be another.
 */
export async function locateLayers(
  table: MemberTable,
  blobs: readonly LocatedBlob[],
  image: Image,
  label: string,
): Promise<LocatedLayer[]> {
  if (blobs.length !== image.layers.length) {
    throw new BundleError(
      'archive-corrupt',
      `Cannot take ${label} of ${table.label}: its manifest names ${blobs.length} layers, its config ${image.layers.length}`,
    );
  }
  const layers: LocatedLayer[] = [];
  for (const [index, diffId] of image.layers.entries()) {
    const blob = blobs[index];
    if (blob === undefined) throw new RangeError(`There is no layer ${index}`);
    layers.push(await locateLayer(table, blob, diffId, `layer ${index + 1} of ${label}`));
  }
  return layers;
}

/** Throws layer-mismatch unless what was read of `layer` is what its config and its name say. */
export function checkLayer(
  { label, diffId, member, storedDigest }: LocatedLayer,
  found: { readonly diffId: DiffId; readonly storedDigest: Digest },
): void {
  if (found.diffId !== diffId) {
    throw new BundleError(
      'layer-mismatch',
      `Cannot take ${label}: "${member.name}" has the layer ${found.diffId}, its config wants ${diffId}`,
      { hint: 'The archive is damaged, or was put together wrongly. Save or copy it again.' },
    );
  }
  if (storedDigest === undefined || found.storedDigest === storedDigest) return;
  throw new BundleError(
    'layer-mismatch',
    `Cannot take ${label}: "${member.name}" hashes to ${found.storedDigest}, not to its name`,
    { hint: 'The archive is damaged, or was put together wrongly. Save or copy it again.' },
  );
}

async function locateLayer(
  table: MemberTable,
  { name, digest, foreignUrls }: LocatedBlob,
  diffId: DiffId,
  label: string,
): Promise<LocatedLayer> {
  const member = await findPart(table, name, label);
  if (member === undefined) {
    throw foreignUrls === undefined
      ? layerMissing(table, name, label)
      : foreignLayerMissing(label, table.label, foreignUrls);
  }
  if (member.size === 0 && diffId !== emptyDigest) throw layerEmptied(table, name, label);
  if (member.kind === 'failed') throw layerUnreadable(member.error, label);
  const layer = { diffId, member, storedDigest: digest ?? findBlobDigest(member.name), label };
  if (member.kind === 'passed') checkLayer(layer, member);
  return layer;
}

/** docker save of a containerd image store writes such archives and exits with 0 (moby#49473). */
function layerMissing(table: MemberTable, name: string, label: string): BundleError {
  return new BundleError(
    'layer-missing',
    `Cannot take ${label}: "${name}" is named by ${table.label}, but is not in it`,
    { hint: hollowImageHint('IMAGE') },
  );
}

/** What was wrong with the member was found before anybody knew what it is. */
function layerUnreadable({ code, message, hint }: BundleError, label: string): BundleError {
  return new BundleError(code, `${message}; it should be ${label}`, { hint });
}

function layerEmptied(table: MemberTable, name: string, label: string): BundleError {
  return new BundleError('layer-mismatch', `Cannot take ${label}: "${name}" in ${table.label} has no bytes`, {
    hint: [
      'This looks like a delta archive, whose layers were emptied because the target was thought to have them.',
      'Save the whole image instead: docker save IMAGE > images.tar',
    ],
  });
}

/**
 * The hint for `image`, a name, of which a config or a layer is not in an archive or an export. Containerd image stores do
 * not download what is unpacked for other images already, save without it, and report success (moby
 * daemon/containerd/image_exporter.go, "WithSkipMissing"). Pulling again changes nothing while those others are there:
 * measured with docker 26.1 and 28.5.
 */
export function hollowImageHint(image: string): string[] {
  return [
    'The engine never downloaded all of it, and docker save reports success all the same: containerd image stores skip',
    'layers that are unpacked for other images already (https://github.com/moby/moby/issues/49473). Pulling it again',
    'helps only once all images that share layers with it are removed there. Or go past that engine:',
    `  skopeo copy docker://${image} docker-archive:images.tar:${image}, and --from images.tar`,
  ];
}
