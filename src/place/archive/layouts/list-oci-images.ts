/** Reads index.json: the OCI image layout, as a folder or in an archive (OCI image-spec, image-layout.md). */
import { appendAll } from '../../../ground/long-lists.ts';
import { type Digest, digestOf } from '../../../ground/digest.ts';
import { BundleError, isBundleError } from '../../../ground/errors.ts';
import { findImagePlatform, type ImagePlatform } from '../../../image/image-config.ts';
import { findManifestFault, isImageDocument } from '../../../image/no-image.ts';
import { isAttestation, type OciDescriptor, refNameKey } from '../../../image/oci-descriptor.ts';
import {
  type OciDocument,
  type OciIndexEntry,
  parseOciDocument,
  parseOciIndex,
} from '../../../image/oci-manifest.ts';
import { findTaggedName } from '../../../image/reference.ts';
import type { ImageGroup, ImageVariant } from './image-group.ts';
import type { LocatedBlob } from './listed-image.ts';
import { findDocument, type MemberTable } from './member-table.ts';
import { blobName } from './member-index.ts';

/** Where the layout has its index. */
export const ociIndexName = 'index.json';

/** An image manifest somewhere below index.json. */
interface Leaf {
  readonly descriptor: OciIndexEntry;
  /** The digests of the indexes it was found through, the outermost first. */
  readonly indexes: readonly Digest[];
  /** Undefined where there is a fault, and for what is no manifest of images. */
  readonly manifest?: Extract<OciDocument, { kind: 'manifest' }>;
  /** That of a blob which the layout does not have, too: of other platforms they are often left out (kind#3795). */
  readonly fault?: BundleError;
  /** Why it is no image. */
  readonly noImage?: string | undefined;
}

/** What a layout has under one name; `configs` are the digests of its variants' configs, in their order. */
export interface OciGroup extends ImageGroup {
  readonly configs: readonly (Digest | undefined)[];
}

/**
 * The images of `index`, the bytes of index.json, which may lie in further indexes. What one name, or one index, has for
 * several platforms is one group. What is wrong with an image is that image's fault, and no other's. Attestations are
 * passed over; artifacts that are no images are groups that say so. Throws archive-corrupt where index.json is none.
 */
export async function listOciGroups(table: MemberTable, index: Uint8Array): Promise<OciGroup[]> {
  const groups = new Map<string, { names: string[]; refName: string | undefined; leaves: Leaf[] }>();
  const descriptors = parseOciIndex(index, `"${ociIndexName}" in ${table.label}`);
  for (const [position, descriptor] of descriptors.entries()) {
    const name = findName(descriptor);
    const refName = descriptor.annotations['org.opencontainers.image.ref.name'];
    const told = descriptor.annotations[refNameKey];
    const key = name ?? refName ?? ('digest' in descriptor ? descriptor.digest : `manifests[${position}]`);
    const group = groups.get(key) ?? {
      names: name === undefined ? [] : [name],
      refName: name === undefined ? (refName ?? told) : undefined,
      leaves: [],
    };
    appendAll(group.leaves, await findLeaves(table, descriptor));
    groups.set(key, group);
  }
  return [...groups.values()]
    .filter(({ leaves }) => leaves.length > 0)
    .map(({ names, refName, leaves }) => {
      const images = leaves.filter(({ noImage }) => noImage === undefined);
      const own = images.length > 0 ? images : leaves.slice(0, 1);
      return {
        names,
        refName,
        noImage: own[0]?.noImage,
        variants: own.map((leaf) => toVariant(table, leaf)),
        configs: own.map(({ manifest }) => manifest?.config.digest),
      };
    });
}

function toVariant(table: MemberTable, { descriptor, indexes, manifest, fault }: Leaf): ImageVariant {
  const digest = 'digest' in descriptor ? descriptor.digest : undefined;
  return {
    digest,
    fault,
    findPlatform: () => findPlatform(table, descriptor, manifest),
    locate() {
      if (manifest === undefined) throw new TypeError('What has a fault cannot be located');
      return Promise.resolve({
        config: locateBlob(manifest.config),
        layers: manifest.layers.map(locateBlob),
      });
    },
    findDigests() {
      const manifests = digest === undefined ? indexes : [digest, ...indexes];
      return Promise.resolve({ config: manifest?.config.digest, manifests });
    },
  };
}

/** containerd's annotation is the whole name; OCI's may be the whole name or the tag alone. */
function findName({ annotations }: OciIndexEntry): string | undefined {
  const texts = [annotations['io.containerd.image.name'], annotations['org.opencontainers.image.ref.name']];
  return texts.map((text) => (text === undefined ? undefined : findTaggedName(text))).find((name) => name);
}

/** The manifests at and below `descriptor`, each once. Every document is checked against its digest, so none is its own ancestor. */
async function findLeaves(
  table: MemberTable,
  descriptor: OciIndexEntry,
  indexes: readonly Digest[] = [],
  seen = new Set<Digest>(),
): Promise<Leaf[]> {
  if (isAttestation(descriptor)) return [];
  if ('fault' in descriptor) return [{ descriptor, indexes, fault: descriptor.fault }];
  const { digest, mediaType } = descriptor;
  if (seen.has(digest)) return [];
  seen.add(digest);
  if (isImageDocument(mediaType) === false) {
    return [{ descriptor, indexes, noImage: `it is "${mediaType ?? ''}"` }];
  }
  let document: OciDocument;
  try {
    document = await readOciDocument(table, descriptor);
  } catch (error) {
    if (!isBundleError(error, 'archive-corrupt', 'archive-unsupported')) throw error;
    return [{ descriptor, indexes, fault: error }];
  }
  if (document.kind === 'manifest') {
    return [{ descriptor, indexes, manifest: document, noImage: findManifestFault(document) }];
  }
  const leaves: Leaf[] = [];
  for (const child of document.manifests) {
    appendAll(leaves, await findLeaves(table, child, [...indexes, digest], seen));
  }
  return leaves;
}

/** docker's manifests of 2015 (distribution, manifest-v2-1.md). */
const firstVersion = 'application/vnd.docker.distribution.manifest.v1+';

async function readOciDocument(table: MemberTable, descriptor: OciDescriptor): Promise<OciDocument> {
  const { digest, mediaType = '' } = descriptor;
  if (mediaType.startsWith(firstVersion)) {
    throw new BundleError(
      'archive-unsupported',
      `Cannot read ${describeBlob(table, digest)}: it is a manifest of version 1, which has no config`,
      { hint: 'Pull and push the image with a docker of the last years.' },
    );
  }
  const bytes = await findDocument(table, blobName(digest));
  if (bytes === undefined) throw manifestMissing(table, digest);
  return parseOciDocument(checkBlob(table, bytes, descriptor), describeBlob(table, digest));
}

async function findPlatform(
  table: MemberTable,
  descriptor: OciIndexEntry,
  manifest: Leaf['manifest'],
): Promise<ImagePlatform | undefined> {
  if (descriptor.platform !== undefined || manifest === undefined) return descriptor.platform;
  try {
    const config = await findDocument(table, blobName(manifest.config.digest));
    return config && findImagePlatform(config);
  } catch (error) {
    if (isBundleError(error, 'archive-corrupt', 'archive-unsupported')) return undefined; // its fault, once it is taken
    throw error;
  }
}

function manifestMissing(table: MemberTable, digest: Digest): BundleError {
  return new BundleError(
    'archive-corrupt',
    `Cannot read ${table.label}: its index names the manifest ${digest}, which is not there`,
    { hint: 'Only a part of the layout was written or copied. Write it again.' },
  );
}

function checkBlob(table: MemberTable, bytes: Uint8Array, { digest, size }: OciDescriptor): Uint8Array {
  const found = digestOf(bytes);
  if (found === digest && (size === undefined || bytes.length === size)) return bytes;
  const fault =
    found === digest
      ? `it has ${bytes.length} bytes, its descriptor says ${size ?? 0}`
      : `its bytes hash to ${found}`;
  throw new BundleError('archive-corrupt', `Cannot read ${describeBlob(table, digest)}: ${fault}`);
}

function describeBlob({ label }: MemberTable, digest: Digest): string {
  return `"${blobName(digest)}" in ${label}`;
}

function locateBlob({ digest, size, foreignUrls }: OciDescriptor): LocatedBlob {
  return { name: blobName(digest), digest, size, foreignUrls };
}
