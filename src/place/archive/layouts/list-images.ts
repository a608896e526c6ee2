/** Finds out which layout a table of members has, and lists its images. */
import type { Digest } from '../../../ground/digest.ts';
import { BundleError, isBundleError } from '../../../ground/errors.ts';
import { formatPlatform, type PlatformWish } from '../../../image/platform.ts';
import { familiarName } from '../../../image/reference.ts';
import { hasVariantFor, type ImageGroup, type ImageVariant, listGroup } from './image-group.ts';
import { type DockerGroup, dockerManifestName, listDockerGroups } from './list-docker-images.ts';
import { listOciGroups, type OciGroup, ociIndexName } from './list-oci-images.ts';
import type { ListedImage } from './listed-image.ts';
import { findDocument, legacyNamesName, type MemberTable } from './member-table.ts';

/** The images of `table`, at least one, without artifacts that are none. Throws as listContent does. */
export async function listImages(table: MemberTable, wish: PlatformWish): Promise<ListedImage[]> {
  const listed = await listContent(table, wish);
  const images = listed.filter(({ noImage }) => noImage === undefined);
  if (images.length > 0) return images;
  const [first] = listed;
  throw new BundleError('archive-empty', `Cannot read ${table.label}: there is no image in it`, {
    hint:
      first === undefined
        ? 'Name the images to save: docker save IMAGE... > images.tar'
        : `It has ${first.names[0] ?? 'something without a name'}, which is no image: ${first.noImage ?? ''}.`,
  });
}

/**
 * The images of `table` and the artifacts that are none, at least one of all. manifest.json says which there are, because
 * docker 25 to 28 leave untagged images out of an index.json beside it; that says for which other platforms an image is
 * there, and which images are there for others only: containerd and docker's containerd store write just the host's into
 * manifest.json. Throws archive-empty, archive-corrupt, archive-unsupported, image-not-found if manifest.json has none for
 * the platform that is required.
 */
export async function listContent(table: MemberTable, wish: PlatformWish): Promise<ListedImage[]> {
  const listed = await listByLayout(table, wish);
  if (listed.length > 0) return listed;
  throw new BundleError('archive-empty', `Cannot read ${table.label}: there is no image in it`, {
    hint: 'Name the images to save: docker save IMAGE... > images.tar',
  });
}

/** The same of index.json alone, as loaders see it that go by that. Throws archive-corrupt. */
export async function listIndexedImages(
  table: MemberTable,
  index: Uint8Array,
  wish: PlatformWish,
): Promise<ListedImage[]> {
  return (await listOciGroups(table, index)).map((group) => listGroup(group, table.label, wish));
}

async function listByLayout(table: MemberTable, wish: PlatformWish): Promise<ListedImage[]> {
  const manifest = await findDocument(table, dockerManifestName);
  if (manifest !== undefined) return listBoth(table, manifest, wish);
  const index = await findDocument(table, ociIndexName);
  if (index !== undefined) return listIndexedImages(table, index, wish);
  if (table.isEmpty) return [];
  throw await noLayout(table);
}

async function listBoth(
  table: MemberTable,
  manifest: Uint8Array,
  wish: PlatformWish,
): Promise<ListedImage[]> {
  const docker = listDockerGroups(table, manifest);
  const groups = await addIndexed(docker, await findIndexed(table));
  const listed: ListedImage[] = [];
  for (const group of groups) {
    if (group.noImage === undefined && wish.isRequired && !(await hasVariantFor(group, wish))) continue;
    listed.push(listGroup(group, table.label, wish));
  }
  if (listed.length > 0 || groups.length === 0) return listed;
  throw new BundleError(
    'image-not-found',
    `Cannot take an image of ${table.label}: none is for ${formatPlatform(wish.platform)}`,
  );
}

/** What is wrong with an index.json that manifest.json stands beside is no matter: docker does not read it. */
async function findIndexed(table: MemberTable): Promise<OciGroup[]> {
  try {
    const index = await findDocument(table, ociIndexName);
    return index === undefined ? [] : await listOciGroups(table, index);
  } catch (error) {
    if (isBundleError(error, 'archive-corrupt', 'archive-unsupported')) return [];
    throw error;
  }
}

/** `docker`, each name with the variants that the index has under it, and then the images that only the index has. */
async function addIndexed(
  docker: readonly DockerGroup[],
  indexed: readonly OciGroup[],
): Promise<ImageGroup[]> {
  const images = indexed.filter(({ noImage }) => noImage === undefined);
  const byName = new Map<string, OciGroup>();
  for (const group of images) for (const name of group.names) byName.set(name, group);
  const unnamed = new Map<Digest, OciGroup>();
  for (const group of images.filter(({ names }) => names.length === 0)) {
    for (const config of group.configs) if (config !== undefined) unnamed.set(config, group);
  }
  const used = new Set<OciGroup>();
  const groups: ImageGroup[] = [];
  const manifests = listManifests(images);
  for (const group of docker) {
    const config = indexed.length === 0 ? undefined : await group.findConfigDigest();
    const ofConfig = config && unnamed.get(config);
    if (ofConfig !== undefined) used.add(ofConfig);
    const variants = withManifests(group.variants, (config && manifests.get(config)) ?? []);
    const buckets = new Map<string, { names: string[]; others: readonly ImageVariant[] }>();
    for (const name of group.names.length === 0 ? [undefined] : group.names) {
      const named = name === undefined ? ofConfig : byName.get(name);
      if (named !== undefined) used.add(named);
      const others = (named?.variants ?? []).filter((_, index) => named?.configs[index] !== config);
      const key = others.map(({ digest }) => digest ?? '').join();
      const bucket = buckets.get(key) ?? { names: [], others };
      if (name !== undefined) bucket.names.push(name);
      buckets.set(key, bucket);
    }
    for (const { names, others } of buckets.values()) {
      const refName = names.length === 0 ? ofConfig?.refName : undefined;
      groups.push({ ...group, names, refName, variants: [...variants, ...others] });
    }
  }
  // One of which the archive has nothing but its name is no image of this archive.
  const more = indexed.filter(
    (group) =>
      group.noImage !== undefined ||
      (!used.has(group) && group.variants.some(({ fault }) => fault === undefined)),
  );
  return [...groups, ...more];
}

/** By the digest of a config, those of the manifests and indexes that lead to it. */
function listManifests(indexed: readonly OciGroup[]): Map<Digest, ImageVariant[]> {
  const manifests = new Map<Digest, ImageVariant[]>();
  for (const { variants, configs } of indexed) {
    for (const [index, variant] of variants.entries()) {
      const config = configs[index];
      if (config === undefined) continue;
      const same = manifests.get(config) ?? [];
      same.push(variant);
      manifests.set(config, same);
    }
  }
  return manifests;
}

/** The first of `variants` is what `same` are: it can be asked for by their digests. */
function withManifests(
  [own, ...others]: readonly ImageVariant[],
  same: readonly ImageVariant[],
): readonly ImageVariant[] {
  if (own === undefined || same.length === 0) return own === undefined ? others : [own, ...others];
  const findDigests: ImageVariant['findDigests'] = async () => {
    const { config } = await own.findDigests();
    const found = await Promise.all(same.map((variant) => variant.findDigests()));
    return { config, manifests: found.flatMap(({ manifests }) => manifests) };
  };
  return [{ ...own, findDigests }, ...others];
}

async function noLayout(table: MemberTable): Promise<BundleError> {
  const legacy = await table.findMember(legacyNamesName);
  if (legacy === undefined) {
    return new BundleError(
      'archive-unsupported',
      `Cannot read ${table.label}: it has neither manifest.json nor index.json, so there are no images in it`,
      { hint: 'docker save writes archives of images; docker export and tar write files only.' },
    );
  }
  const names = await findLegacyNames(table);
  return new BundleError(
    'archive-unsupported',
    `Cannot read ${table.label}: docker 1.9 or an older one wrote it, without manifest.json and configs`,
    {
      hint:
        `Load it into a docker of the years since, which still takes it (20.10 does), and save it again there:\n` +
        `  docker load -i FILE && docker save -o images.tar ${names.slice(0, 5).join(' ') || 'IMAGE...'}`,
    },
  );
}

/** `{"shop/web": {"1": "<id>"}}`; none where it is anything else. */
async function findLegacyNames(table: MemberTable): Promise<string[]> {
  try {
    const bytes = await findDocument(table, legacyNamesName);
    const value: unknown = JSON.parse(Buffer.from(bytes ?? []).toString('utf8'));
    return Object.entries(value as Record<string, Record<string, string>>).flatMap(([repository, tags]) =>
      Object.keys(tags).map((tag) => familiarName(`${repository}:${tag}`)),
    );
  } catch {
    return [];
  }
}
