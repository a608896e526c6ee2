/** Whether an archive is sound: every block, every layer against its diffId, every manifest entry. */
import { type Digest, hexOf } from '../ground/digest.ts';
import { BundleError, isBundleError } from '../ground/errors.ts';
import { createImage, type Image } from '../image/image.ts';
import { parseImageConfig } from '../image/image-config.ts';
import { findLoadFault } from '../image/load-fault.ts';
import { cannotLoad } from '../image/no-image.ts';
import { familiarName } from '../image/reference.ts';
import { listImages, listIndexedImages } from '../place/archive/layouts/list-images.ts';
import { ociIndexName } from '../place/archive/layouts/list-oci-images.ts';
import type { ListedImage, LocatedBlob } from '../place/archive/layouts/listed-image.ts';
import { type LocatedLayer, locateLayers } from '../place/archive/layouts/locate-layers.ts';
import { findDocument, type Member, type MemberTable } from '../place/archive/layouts/member-table.ts';
import { readConfig } from '../place/archive/layouts/read-config.ts';
import { wishPlatform } from '../place/platform-wish.ts';
import { openArchive, type ReadArchiveOptions } from '../place/archive/open-archive.ts';

export interface VerifyReport {
  readonly path: string;
  readonly size: number;
  /** Of a .xz file: blocks decoded, each with its check. */
  readonly blockCount?: number;
  readonly images: readonly VerifiedImage[];
  /** What is wrong, one line each. Empty where the archive is sound. */
  readonly faults: readonly string[];
  /** What is odd and does no harm, one line each; absent where there is nothing. */
  readonly notes?: readonly string[];
}

export interface VerifiedImage {
  /** Short names, as docker shows them. */
  readonly names: readonly string[];
  /** The config digest; absent where there is a fault. */
  readonly id?: Digest;
  readonly layerCount: number;
  readonly isSound: boolean;
}

interface CheckedImage {
  readonly image: VerifiedImage;
  readonly fault?: string;
}

/**
 * Reads all of the archive at `path` and checks it. A fault of one image does not hide those of others; throws archive-*
 * and xz-* where the archive cannot be read to its end.
 */
export async function verifyArchive(path: string, options: ReadArchiveOptions = {}): Promise<VerifyReport> {
  await using archive = await openArchive(path);
  const table = await archive.readThrough(options);
  const images: CheckedImage[] = [];
  for (const listed of await listImages(table, wishPlatform())) images.push(await checkImage(table, listed));
  const behind = describeExtra(table);
  const faults = [
    ...images.flatMap(({ fault }) => fault ?? []),
    ...(await findIndexFaults(table)),
    // A bundle has nothing there: what is in its place was not written by bundlefs.
    ...(table.isBundle === true ? behind : []),
  ];
  return {
    path,
    size: archive.size,
    blockCount: archive.structure?.streams.reduce((sum, stream) => sum + stream.blocks.length, 0),
    images: images.map(({ image }) => image),
    faults: [...new Set(faults)],
    notes: table.isBundle !== true && behind.length > 0 ? behind : undefined,
  };
}

/** Loaders stop at the end of the archive, so nothing in it depends on these bytes. */
function describeExtra({ extra }: MemberTable): string[] {
  if (extra === undefined) return [];
  return [
    `${extra.size} bytes stand behind the end of the archive, from byte ${extra.position}: docker load does not read them`,
  ];
}

/** Loaders that go by index.json must find all of it as well. */
async function findIndexFaults(table: MemberTable): Promise<string[]> {
  const index = await findDocument(table, ociIndexName);
  if (index === undefined) return [];
  const faults: string[] = [];
  try {
    const listing = await listIndexedImages(table, index, wishPlatform());
    for (const listed of listing.filter(({ noImage }) => noImage === undefined)) {
      const { fault } = await checkImage(table, listed);
      if (fault !== undefined) faults.push(fault);
    }
  } catch (error) {
    if (!isBundleError(error)) throw error;
    faults.push(error.message);
  }
  return faults;
}

async function checkImage(table: MemberTable, listed: ListedImage): Promise<CheckedImage> {
  const names = listed.names.map((name) => familiarName(name));
  let layerCount = 0;
  try {
    const { config, layers } = await listed.locate();
    layerCount = layers.length;
    const label = names[0] ?? (config.digest === undefined ? config.name : hexOf(config.digest).slice(0, 12));
    const image = createImage(await readConfig(table, config, label), listed.names, `the config of ${label}`);
    const located = await locateLayers(table, layers, image, label);
    checkLoadable(image, located, label);
    for (const blob of [config, ...layers]) await checkSize(table, blob, label);
    checkNames(listed);
    return { image: { names, id: image.configDigest, layerCount, isSound: true } };
  } catch (error) {
    if (!isBundleError(error)) throw error;
    return { image: { names, layerCount, isSound: false }, fault: error.message };
  }
}

/** docker load refuses all of an archive with such a name in it. */
function checkNames({ unreadableNames: [name] = [] }: ListedImage): void {
  if (name === undefined) return;
  throw new BundleError('archive-corrupt', `Cannot load the archive: "${name}" is no image name`);
}

/** What docker refuses is not sound, however whole it is. Throws config-corrupt. */
function checkLoadable(image: Image, layers: readonly LocatedLayer[], label: string): void {
  const fault = findLoadFault(parseImageConfig(image.config, `the config of ${label}`));
  if (fault !== undefined) throw cannotLoad(label, fault);
  for (const [index, { member }] of layers.entries()) {
    const tarFault = findTarFault(member);
    if (tarFault !== undefined)
      throw cannotLoad(label, `docker cannot unpack its layer ${index + 1}: ${tarFault}`);
  }
}

function findTarFault(member: Member): string | undefined {
  if (member.kind === 'passed') return member.tarFault;
  return member.kind === 'kept' ? 'it is JSON' : undefined;
}

/** skopeo and containerd go by the sizes that descriptors say. */
async function checkSize(table: MemberTable, { name, size }: LocatedBlob, label: string): Promise<void> {
  const found = (await table.findMember(name))?.size;
  if (size === undefined || found === size) return;
  throw new BundleError(
    'archive-corrupt',
    `Cannot trust ${label}: "${name}" has ${found ?? 'no'} bytes, its descriptor says ${size}`,
  );
}
