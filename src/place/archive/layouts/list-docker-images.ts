/** Reads manifest.json: the layouts of `docker save`, old and new, and of all tools that write for `docker load`. */
import { type Digest, digestOf } from '../../../ground/digest.ts';
import { isBundleError } from '../../../ground/errors.ts';
import { type DockerManifestEntry, parseDockerManifest } from '../../../image/docker-manifest.ts';
import { findImagePlatform } from '../../../image/image-config.ts';
import { findTaggedName, normaliseTag } from '../../../image/reference.ts';
import type { ImageGroup, ImageVariant } from './image-group.ts';
import { findDocument, type MemberTable } from './member-table.ts';
import { findBlobDigest, findNamedDigest } from './member-index.ts';

/** Where the layout has its manifest. */
export const dockerManifestName = 'manifest.json';

/** What manifest.json has in one place. */
export interface DockerGroup extends ImageGroup {
  /** The digest of the config of its first variant; undefined where the archive lacks it, and its name is no digest. */
  findConfigDigest(): Promise<Digest | undefined>;
}

/**
 * The images of `manifest`, the bytes of manifest.json. A name that several of them claim is the last one's, as
 * `docker load` has it; the others are variants of that name, for they may be for other platforms. What is wrong with an
 * image is that image's fault. Throws archive-corrupt where manifest.json is none.
 */
export function listDockerGroups(table: MemberTable, manifest: Uint8Array): DockerGroup[] {
  const entries = parseDockerManifest(manifest, `"${dockerManifestName}" in ${table.label}`);
  const claims = entries.map(readNames);
  const claimants = new Map<string, Set<number>>();
  for (const [index, { names }] of claims.entries()) {
    for (const name of names) {
      const indexes = claimants.get(name) ?? new Set();
      indexes.delete(index);
      claimants.set(name, indexes.add(index));
    }
  }
  const orders = new Map([...claimants].map(([name, indexes]) => [name, [...indexes].reverse()]));
  const variants = entries.map((entry) => toVariant(table, entry));
  return entries.flatMap((entry, index) => {
    const names = new Set(claims[index]?.names);
    const common = { findConfigDigest: () => findConfigDigest(table, entry), hasDefault: true };
    const single: string[] = [];
    const shared: DockerGroup[] = [];
    for (const name of names) {
      const order = orders.get(name) ?? [];
      if (order[0] !== index) continue;
      if (order.length === 1) single.push(name);
      else shared.push({ ...common, names: [name], variants: pick(variants, order) });
    }
    if (single.length === 0 && shared.length > 0) return shared;
    const unreadableNames = claims[index]?.unreadable ?? [];
    return [{ ...common, names: single, unreadableNames, variants: pick(variants, [index]) }, ...shared];
  });
}

function pick(variants: readonly ImageVariant[], indexes: readonly number[]): ImageVariant[] {
  return indexes.map((index) => variants[index]).filter((variant) => variant !== undefined);
}

function toVariant(table: MemberTable, entry: DockerManifestEntry): ImageVariant {
  const { fault } = entry;
  return {
    digest: undefined,
    fault,
    async findPlatform() {
      const bytes = await ignoringFaults(() => findDocument(table, entry.config));
      return bytes && findImagePlatform(bytes);
    },
    locate: () =>
      Promise.resolve({
        config: { name: entry.config, digest: findNamedDigest(entry.config) },
        layers: entry.layers.map((name) => ({ name, digest: findBlobDigest(name) })),
      }),
    findDigests: async () => ({ config: await findConfigDigest(table, entry), manifests: [] }),
  };
}

async function findConfigDigest(
  table: MemberTable,
  { config }: DockerManifestEntry,
): Promise<Digest | undefined> {
  const bytes = await ignoringFaults(() => findDocument(table, config));
  return bytes === undefined ? findNamedDigest(config) : digestOf(bytes);
}

function readNames({ tags }: DockerManifestEntry): {
  readonly names: readonly string[];
  readonly unreadable: readonly string[];
} {
  const names: string[] = [];
  const unreadable: string[] = [];
  for (const tag of tags) {
    try {
      const name = tag.includes('@') ? findTaggedName(tag) : normaliseTag(tag);
      if (name !== undefined) names.push(name);
    } catch (error) {
      if (!isBundleError(error, 'invalid-reference')) throw error;
      unreadable.push(tag);
    }
  }
  return { names, unreadable };
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
