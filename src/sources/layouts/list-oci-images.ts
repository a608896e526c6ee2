/** Reads index.json: the OCI image layout, as a folder or in an archive (OCI image-spec, image-layout.md). */
import { type Digest, digestOf } from '../../digest.ts';
import { BundleError } from '../../errors.ts';
import { findImagePlatform, type ImagePlatform } from '../../image/image-config.ts';
import { findManifestFault, isImageDocument, noImage } from '../../image/no-image.ts';
import { isAttestation, type OciDescriptor } from '../../image/oci-descriptor.ts';
import { type OciDocument, parseOciDocument, parseOciIndex } from '../../image/oci-manifest.ts';
import { formatPlatform, matchesPlatform, type PlatformWish } from '../../image/platform.ts';
import { familiarName, findTaggedName } from '../../image/reference.ts';
import type { ListedImage, LocatedBlob } from './listed-image.ts';
import { findDocument, type MemberTable } from './member-table.ts';
import { blobName } from './member-name.ts';

/** Where the layout has its index. */
export const ociIndexName = 'index.json';

/** An image manifest somewhere below index.json. */
interface Leaf {
  readonly descriptor: OciDescriptor;
  /** The digests of the indexes it was found through, the outermost first. */
  readonly indexes: readonly Digest[];
  /** Undefined where the layout does not have the blob: of other platforms they are often left out (kind#3795). */
  readonly manifest: Extract<OciDocument, { kind: 'manifest' }> | undefined;
  readonly noImage?: string | undefined;
}

/**
 * The images of `index`, the bytes of index.json, which may lie in further indexes. What one name, or one index, has for
 * several platforms is one image. Attestations are passed over; artifacts that are no images are listed as such. Throws
 * archive-corrupt.
 */
export async function listOciImages(
  table: MemberTable,
  index: Uint8Array,
  wish: PlatformWish,
): Promise<ListedImage[]> {
  const groups = new Map<string, { names: string[]; leaves: Leaf[] }>();
  for (const descriptor of parseOciIndex(index, `"${ociIndexName}" in ${table.label}`)) {
    const name = findName(descriptor);
    const key = name ?? descriptor.annotations['org.opencontainers.image.ref.name'] ?? descriptor.digest;
    const group = groups.get(key) ?? { names: name === undefined ? [] : [name], leaves: [] };
    group.leaves.push(...(await findLeaves(table, descriptor)));
    groups.set(key, group);
  }
  return [...groups.values()]
    .filter(({ leaves }) => leaves.length > 0)
    .map(({ names, leaves }) => {
      const images = leaves.filter(({ noImage }) => noImage === undefined);
      const [artifact] = leaves;
      if (images.length > 0 || artifact === undefined) return listGroup(table, names, images, wish);
      return listArtifact(table, names, artifact);
    });
}

function listArtifact(
  table: MemberTable,
  names: readonly string[],
  { descriptor: { digest }, indexes, noImage: fault = '' }: Leaf,
): ListedImage {
  const [name = digest] = names;
  return {
    names,
    noImage: fault,
    locate: () => Promise.reject(noImage(`${familiarName(name)} of ${table.label}`, fault)),
    findDigests: () => Promise.resolve({ config: undefined, manifests: [digest, ...indexes] }),
  };
}

function listGroup(
  table: MemberTable,
  names: readonly string[],
  leaves: readonly Leaf[],
  wish: PlatformWish,
): ListedImage {
  return {
    names,
    async locate() {
      const leaf = await chooseLeaf(table, leaves, wish);
      if (leaf === undefined) throw await noneForPlatform(table, names, leaves, wish);
      if (leaf.manifest === undefined) throw manifestMissing(table, leaf.descriptor.digest);
      return { config: locateBlob(leaf.manifest.config), layers: leaf.manifest.layers.map(locateBlob) };
    },
    async findDigests() {
      const leaf = await chooseLeaf(table, leaves, wish);
      if (leaf === undefined) return { config: undefined, manifests: [] };
      return { config: leaf.manifest?.config.digest, manifests: [leaf.descriptor.digest, ...leaf.indexes] };
    },
  };
}

/** containerd's annotation is the whole name; OCI's may be the whole name or the tag alone. */
function findName({ annotations }: OciDescriptor): string | undefined {
  const texts = [annotations['io.containerd.image.name'], annotations['org.opencontainers.image.ref.name']];
  return texts.map((text) => (text === undefined ? undefined : findTaggedName(text))).find((name) => name);
}

/** The manifests at and below `descriptor`, each once. Every document is checked against its digest, so none is its own ancestor. */
async function findLeaves(
  table: MemberTable,
  descriptor: OciDescriptor,
  indexes: readonly Digest[] = [],
  seen = new Set<Digest>(),
): Promise<Leaf[]> {
  const { digest, mediaType } = descriptor;
  if (seen.has(digest) || isAttestation(descriptor)) return [];
  seen.add(digest);
  if (isImageDocument(mediaType) === false) {
    return [{ descriptor, indexes, manifest: undefined, noImage: `it is "${mediaType ?? ''}"` }];
  }
  const bytes = await findDocument(table, blobName(digest));
  if (bytes === undefined) return [{ descriptor, indexes, manifest: undefined }];
  const document = parseOciDocument(checkBlob(table, bytes, descriptor), describeBlob(table, digest));
  if (document.kind === 'manifest') {
    return [{ descriptor, indexes, manifest: document, noImage: findManifestFault(document) }];
  }
  const leaves: Leaf[] = [];
  for (const child of document.manifests) {
    leaves.push(...(await findLeaves(table, child, [...indexes, digest], seen)));
  }
  return leaves;
}

/** The first that fits, as OCI image-spec, image-index.md has it. */
async function chooseLeaf(
  table: MemberTable,
  leaves: readonly Leaf[],
  wish: PlatformWish,
): Promise<Leaf | undefined> {
  const [only] = leaves;
  if (leaves.length === 1 && !wish.isRequired) return only;
  for (const leaf of leaves) {
    const platform = await findPlatform(table, leaf);
    if (platform !== undefined && matchesPlatform(platform, wish.platform)) return leaf;
  }
  return undefined;
}

async function findPlatform(
  table: MemberTable,
  { descriptor, manifest }: Leaf,
): Promise<ImagePlatform | undefined> {
  if (descriptor.platform !== undefined || manifest === undefined) return descriptor.platform;
  const config = await findDocument(table, blobName(manifest.config.digest));
  return config && findImagePlatform(config);
}

async function noneForPlatform(
  table: MemberTable,
  names: readonly string[],
  leaves: readonly Leaf[],
  wish: PlatformWish,
): Promise<BundleError> {
  const platforms: string[] = [];
  for (const leaf of leaves) {
    const platform = await findPlatform(table, leaf);
    if (platform !== undefined) platforms.push(formatPlatform(platform));
  }
  const what = names[0] ?? leaves[0]?.descriptor.digest ?? '';
  const wanted = formatPlatform(wish.platform);
  return new BundleError(
    'image-not-found',
    `Cannot take image "${what}" of ${table.label}: it is for ${platforms.join(', ') || 'no known platform'}, ${wanted} was wanted`,
  );
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
