/** The images that an archive's manifest.json or OCI index names, as far as its members tell. */
import { type DiffId, type Digest, digestOf } from '../digest.ts';
import { parseDockerManifest } from '../image/docker-manifest.ts';
import { type HistoryEntry, type ImagePlatform, parseImageConfig } from '../image/image-config.ts';
import { isBundleError } from '../errors.ts';
import { familiarName, normaliseTag } from '../image/reference.ts';
import { findOciImages } from './find-oci-images.ts';
import type { MemberScan, SeenMember } from './scan-members.ts';

export interface ListedLayer {
  readonly diffId: DiffId;
  readonly memberName: string;
  /** Bytes of the layer's member; undefined where the archive has none of that name. */
  readonly size: number | undefined;
}

export interface ListedImage {
  /** Short names, as docker shows them. */
  readonly names: readonly string[];
  /** The config digest. */
  readonly id: Digest;
  readonly created: string | undefined;
  readonly platform: ImagePlatform;
  readonly history: readonly HistoryEntry[];
  readonly layers: readonly ListedLayer[];
}

/** What an archive says of one image: names of members. */
export interface NamedImage {
  readonly names: readonly string[];
  readonly configName: string;
  readonly layerNames: readonly string[];
}

/** The images named by manifest.json, else by index.json; undefined where the archive has neither. Throws archive-corrupt. */
export function findNamedImages(scan: MemberScan, label: string): NamedImage[] | undefined {
  const manifest = scan.find('manifest.json')?.document;
  if (manifest !== undefined) {
    return parseDockerManifest(manifest, `"manifest.json" in ${label}`).map(
      ({ config, repoTags, layers }) => ({
        names: repoTags.map(shortName),
        configName: config,
        layerNames: layers,
      }),
    );
  }
  return findOciImages(scan, label);
}

/** The image with the details of its config. Undefined where the config is not there. Throws archive-corrupt. */
export function describeNamedImage(
  scan: MemberScan,
  image: NamedImage,
  label: string,
): ListedImage | undefined {
  const document = scan.find(image.configName)?.document;
  if (document === undefined) return undefined;
  const config = parseImageConfig(document, `"${image.configName}" in ${label}`);
  return {
    names: image.names,
    id: digestOf(document),
    created: config.created,
    platform: config.platform,
    history: config.history,
    layers: config.diffIds.map((diffId, index) => {
      const memberName = image.layerNames[index] ?? '';
      return { diffId, memberName, size: findMember(scan, memberName)?.size };
    }),
  };
}

function findMember(scan: MemberScan, name: string): SeenMember | undefined {
  return name === '' ? undefined : scan.find(name);
}

/** A tag that is none is shown as it stands. */
function shortName(tag: string): string {
  try {
    return familiarName(normaliseTag(tag));
  } catch (error) {
    if (isBundleError(error, 'invalid-reference')) return tag;
    throw error;
  }
}
