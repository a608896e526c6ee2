/** Whether an archive is sound: every block, every layer against its diffId, every manifest entry. */
import { BundleError, isBundleError } from '../errors.ts';
import { findOciFaults } from './find-oci-images.ts';
import { notAnArchive } from './inspect-archive.ts';
import { describeNamedImage, findNamedImages, type NamedImage } from './list-images.ts';
import { openArchive, type ReadThroughOptions } from './open-archive.ts';
import { type MemberScan, scanMembers } from './scan-members.ts';

export interface VerifyReport {
  readonly path: string;
  readonly size: number;
  /** Of a .xz file: blocks decoded, each with its check. */
  readonly blockCount: number | undefined;
  readonly images: readonly VerifiedImage[];
  readonly memberCount: number;
  /** What is wrong, one line each. Empty where the archive is sound. */
  readonly faults: readonly string[];
}

export interface VerifiedImage {
  readonly names: readonly string[];
  readonly id: string | undefined;
  readonly layerCount: number;
  readonly isSound: boolean;
}

/**
 * Reads all of the archive at `path` and checks it. Damage that the images survive being named in is listed in the
 * report; throws archive-* and xz-* where the archive cannot be read to its end.
 */
export async function verifyArchive(path: string, options: ReadThroughOptions = {}): Promise<VerifyReport> {
  await using archive = await openArchive(path);
  const label = `archive "${path}"`;
  const scan = await scanMembers(archive.readThrough(options), { withDigests: true });
  const named = findNamedImages(scan, label);
  if (named === undefined) throw notAnArchive(label);
  if (named.length === 0) throw new BundleError('archive-empty', `Cannot verify ${label}: it has no images`);
  const checked = named.map((image) => ({ image, ...checkImage(scan, image, label) }));
  return {
    path,
    size: archive.size,
    blockCount: archive.structure?.streams.reduce((sum, stream) => sum + stream.blocks.length, 0),
    images: checked.map(({ image, id, faults }) => ({
      names: image.names,
      id,
      layerCount: image.layerNames.length,
      isSound: faults.length === 0,
    })),
    memberCount: scan.members.size,
    faults: [
      ...findBlobFaults(scan),
      ...checked.flatMap(({ faults }) => faults),
      ...findOciFaults(scan, label),
    ],
  };
}

/** Blobs that do not hash to their names. */
function findBlobFaults(scan: MemberScan): string[] {
  return [...scan.members.values()].flatMap(({ name, digests }) => {
    const hex = /^blobs\/sha256\/([0-9a-f]{64})$/.exec(name)?.[1];
    if (hex === undefined || digests?.stored === `sha256:${hex}`) return [];
    return [`"${name}" hashes to ${digests?.stored ?? 'nothing'}`];
  });
}

function checkImage(scan: MemberScan, image: NamedImage, label: string): { id?: string; faults: string[] } {
  const who = image.names[0] ?? image.configName;
  try {
    const listed = describeNamedImage(scan, image, label);
    if (listed === undefined)
      return { faults: [`${who}: its config "${image.configName}" is not in the archive`] };
    const named = /([0-9a-f]{64})(?:\.json)?$/.exec(image.configName)?.[1];
    const faults: string[] = [];
    if (named !== undefined && listed.id !== `sha256:${named}`) {
      faults.push(`${who}: its config "${image.configName}" hashes to ${listed.id}`);
    }
    if (listed.layers.length !== image.layerNames.length) {
      faults.push(
        `${who}: it has ${image.layerNames.length} layers, its config says ${listed.layers.length}`,
      );
    }
    for (const [index, { diffId, memberName }] of listed.layers.entries()) {
      const found = scan.find(memberName)?.digests?.content;
      if (found === undefined) faults.push(`${who}: layer ${index + 1} (${diffId}) is not in the archive`);
      else if (found !== diffId)
        faults.push(`${who}: layer ${index + 1} hashes to ${found}, its config says ${diffId}`);
    }
    return { id: listed.id, faults };
  } catch (error) {
    if (isBundleError(error)) return { faults: [`${who}: ${error.message}`] };
    throw error;
  }
}
