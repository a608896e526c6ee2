/** Reads manifest.json: the layouts of `docker save`, old and new, and of all tools that write for `docker load`. */
import { type Digest, digestOf } from '../../digest.ts';
import { BundleError, isBundleError } from '../../errors.ts';
import { type DockerManifestEntry, parseDockerManifest } from '../../image/docker-manifest.ts';
import { findImagePlatform } from '../../image/image-config.ts';
import { formatPlatform, matchesPlatform, type PlatformWish } from '../../image/platform.ts';
import { findTaggedName, normaliseTag } from '../../image/reference.ts';
import { listOciImages, ociIndexName } from './list-oci-images.ts';
import type { ImageDigests, ListedImage, LocatedBlob } from './listed-image.ts';
import { findDocument, type MemberTable } from './member-table.ts';
import { findBlobDigest, findNamedDigest } from './member-name.ts';

/** Where the layout has its manifest. */
export const dockerManifestName = 'manifest.json';

/**
 * The images of `manifest`, the bytes of manifest.json. A name that several of them claim is the last one's, as
 * `docker load` has it. Throws archive-corrupt, image-not-found
 * where none is for the platform that is required.
 */
export async function listDockerImages(
  table: MemberTable,
  manifest: Uint8Array,
  wish: PlatformWish,
): Promise<ListedImage[]> {
  const entries = parseDockerManifest(manifest, `"${dockerManifestName}" in ${table.label}`);
  const owners = new Map<string, DockerManifestEntry>();
  for (const entry of entries) for (const name of readNames(entry, table)) owners.set(name, entry);
  const listed: ListedImage[] = [];
  for (const entry of entries) {
    if (wish.isRequired && !(await isFor(entry, table, wish))) continue;
    const names = [...owners].filter(([, owner]) => owner === entry).map(([name]) => name);
    listed.push(listEntry(table, entry, names, wish));
  }
  if (listed.length === 0 && entries.length > 0) {
    throw new BundleError(
      'image-not-found',
      `Cannot take an image of ${table.label}: none is for ${formatPlatform(wish.platform)}`,
    );
  }
  return listed;
}

function listEntry(
  table: MemberTable,
  entry: DockerManifestEntry,
  names: readonly string[],
  wish: PlatformWish,
): ListedImage {
  const config: LocatedBlob = { name: entry.config, digest: findNamedDigest(entry.config) };
  return {
    names,
    locate: () =>
      Promise.resolve({
        config,
        layers: entry.layers.map((name) => ({ name, digest: findBlobDigest(name) })),
      }),
    async findDigests() {
      const bytes = await ignoringFaults(() => findDocument(table, config.name));
      const digest = bytes === undefined ? config.digest : digestOf(bytes);
      return {
        config: digest,
        manifests: digest === undefined ? [] : await findManifests(table, digest, wish),
      };
    },
  };
}

function readNames(entry: DockerManifestEntry, { label }: MemberTable): string[] {
  return entry.tags.flatMap((tag) => {
    if (tag.includes('@')) return findTaggedName(tag) ?? [];
    try {
      return normaliseTag(tag);
    } catch (error) {
      throw new BundleError(
        'archive-corrupt',
        `Cannot read "${dockerManifestName}" in ${label}: "${tag}" is no image name`,
        {
          cause: error,
        },
      );
    }
  });
}

async function isFor(entry: DockerManifestEntry, table: MemberTable, wish: PlatformWish): Promise<boolean> {
  const bytes = await findDocument(table, entry.config);
  const platform = bytes && findImagePlatform(bytes);
  // What is wrong with a config that does not say is said when the image is read.
  return bytes !== undefined && (platform === undefined || matchesPlatform(platform, wish.platform));
}

/** Archives since docker 25 have an OCI index beside manifest.json, which may lack images; its digests are taken from it. */
async function findManifests(
  table: MemberTable,
  config: Digest,
  wish: PlatformWish,
): Promise<readonly Digest[]> {
  const index = await ignoringFaults(() => findDocument(table, ociIndexName));
  if (index === undefined) return [];
  const images = (await ignoringFaults(() => listOciImages(table, index, wish))) ?? [];
  const found: ImageDigests[] = [];
  for (const image of images) found.push(await image.findDigests());
  return found.filter((digests) => digests.config === config).flatMap((digests) => digests.manifests);
}

/** The result of `read`, or undefined where the archive is at fault: what is looked up here is not needed to read an image. */
async function ignoringFaults<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (isBundleError(error, 'archive-corrupt', 'archive-unsupported')) return undefined;
    throw error;
  }
}
