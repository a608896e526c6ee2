/** What an engine says of its images. */
import * as z from 'zod';
import { type DiffId, type Digest, isDigest } from '../../ground/digest.ts';
import type { ImagePlatform } from '../../image/image-config.ts';
import { formatName, type Reference } from '../../image/reference.ts';
import type { EngineConnection } from './talk/engine-connection.ts';

export interface EngineImage {
  /** The config's digest with graph drivers, the manifest's with the containerd image store. */
  readonly id: Digest;
  /** From the lowest up. */
  readonly layers: readonly DiffId[];
  /** Bytes, roughly those of an export: engines count in different ways. */
  readonly size: number;
  /** Its parts are empty where the engine does not say, for it lacks the config. */
  readonly platform: ImagePlatform;
  /** Whether the engine keeps it in containerd; undefined where what it says of the image does not tell. */
  readonly isContainerd: boolean | undefined;
}

export interface AskEngineOptions {
  readonly signal?: AbortSignal;
  /** As of EngineRequest: nothing is found then. */
  readonly isOptional?: boolean;
}

export interface FindEngineImageOptions extends AskEngineOptions {
  /** Which one of a containerd image store's is meant where it has several (API 1.49). The id is then its manifest's. */
  readonly platform?: ImagePlatform;
}

const digest = z.string().refine((text): text is Digest => isDigest(text), 'not a sha256 digest');

const inspectSchema = z.object({
  Id: digest,
  // Null for an image without layers.
  RootFS: z.object({ Layers: z.array(digest).nullish() }),
  Size: z.number().optional(),
  Os: z.string().optional(),
  Architecture: z.string().optional(),
  Variant: z.string().optional(),
  RepoDigests: z.array(z.string()).nullish(),
  GraphDriver: z.object({ Name: z.string().optional() }).nullish(),
  Descriptor: z.unknown().optional(),
});

/** moby daemon/graphdriver; btrfs, zfs and devmapper are names of containerd's snapshotters, too. */
const graphDrivers = ['overlay2', 'overlay', 'aufs', 'vfs', 'fuse-overlayfs', 'devicemapper'];
/** containerd docs/snapshotters. */
const snapshotters = ['overlayfs', 'native', 'stargz', 'nydus', 'soci', 'blockfile', 'erofs'];

/** Docker 23 to 29 with containerd's store give an image the digest of its manifest as its id; newer ones a descriptor. */
function tellsContainerd(found: z.infer<typeof inspectSchema>): boolean | undefined {
  const { Id, RepoDigests, GraphDriver, Descriptor } = found;
  const digests = (RepoDigests ?? []).map((name) => name.replace(/^.*@/s, ''));
  if (Descriptor || digests.includes(Id)) return true;
  if (digests.length > 0) return false;
  const name = GraphDriver?.Name ?? '';
  if (graphDrivers.includes(name)) return false;
  return snapshotters.includes(name) ? true : undefined;
}

const listSchema = z.array(z.object({ Id: digest, RepoTags: z.array(z.string()).nullish() }));

/** The image that `name` is, a name, an id or the start of one; undefined where there is none. Throws source-failed. */
export async function findEngineImage(
  connection: EngineConnection,
  name: string,
  { platform, ...options }: FindEngineImageOptions = {},
): Promise<EngineImage | undefined> {
  const request = {
    what: `inspect "${name}"`,
    path: `/images/${name}/json`,
    ...(platform && { query: { platform: JSON.stringify(platform) } }),
    ...options,
  };
  const found = await connection.findJson(request, inspectSchema);
  return (
    found && {
      id: found.Id,
      layers: (found.RootFS.Layers ?? []) as DiffId[],
      size: found.Size ?? 0,
      platform: {
        os: found.Os ?? '',
        architecture: found.Architecture ?? '',
        ...(found.Variant && { variant: found.Variant }),
      },
      isContainerd: tellsContainerd(found),
    }
  );
}

/** What to ask an engine for `reference` by. */
export function engineNameOf(reference: Exclude<Reference, { kind: 'pattern' }>): string {
  switch (reference.kind) {
    case 'name':
      return formatName(reference);
    case 'digest':
      return `${reference.repository}@${reference.digest}`;
    case 'id':
      return `sha256:${reference.idPrefix}`;
  }
}

/** All names with a tag that the engine has, as it writes them. Throws source-failed. */
export async function listEngineNames(
  connection: EngineConnection,
  options: AskEngineOptions = {},
): Promise<string[]> {
  const images = await connection.findJson(
    { what: 'list images', path: '/images/json', ...options },
    listSchema,
  );
  return (images ?? [])
    .flatMap(({ RepoTags }) => RepoTags ?? [])
    .filter((name) => !name.startsWith('<none>'));
}

/** Every image that the engine has, with a name or without. Throws source-failed. */
export async function listEngineImages(
  connection: EngineConnection,
  options: AskEngineOptions = {},
): Promise<(EngineImage & { readonly names: readonly string[] })[]> {
  const request = { what: 'list images', path: '/images/json', ...options };
  const listed = (await connection.findJson(request, listSchema)) ?? [];
  const images: (EngineImage & { readonly names: readonly string[] })[] = [];
  for (const { Id, RepoTags } of listed) {
    // One that was removed meanwhile is not there.
    const found = await findEngineImage(connection, Id, options);
    const names = (RepoTags ?? []).filter((name) => !name.startsWith('<none>'));
    if (found !== undefined) images.push({ ...found, names });
  }
  return images;
}

/** The ids of all images that have no name. Throws source-failed. */
export async function listDanglingIds(
  connection: EngineConnection,
  options: AskEngineOptions = {},
): Promise<Digest[]> {
  const request = {
    what: 'list images',
    path: '/images/json',
    query: { filters: JSON.stringify({ dangling: ['true'] }) },
    ...options,
  };
  return ((await connection.findJson(request, listSchema)) ?? []).map(({ Id }) => Id);
}
