/** What the layouts of image archives are read from: members by name, wherever they lie. */
import type { DiffId, Digest } from '../../../ground/digest.ts';
import { BundleError, isBundleError } from '../../../ground/errors.ts';
import type { BytesBehindEnd } from '../../../format/tar/walk-tar.ts';

/** A file of an archive or folder. `name` is where its bytes really lie, behind all links. */
export type Member = StoredMember | KeptMember | PassedMember | FailedMember;

/** One that can be read at any time. */
export interface StoredMember {
  readonly kind: 'stored';
  readonly name: string;
  readonly size: number;
  /** Where its bytes start in the tar that it is a member of; absent in a folder, and for a sparse file. */
  readonly start?: number;
  stream(): AsyncIterable<Uint8Array>;
}

/** A document of a stream, kept in memory while it passed. */
export interface KeptMember {
  readonly kind: 'kept';
  readonly name: string;
  readonly size: number;
  readonly bytes: Uint8Array;
}

/** One of a stream that was taken for a layer and handed to the sink while it passed. */
export interface PassedMember {
  readonly kind: 'passed';
  readonly name: string;
  /** Bytes in the archive, which may be compressed. */
  readonly size: number;
  /** The digest of those bytes. */
  readonly storedDigest: Digest;
  readonly diffId: DiffId;
  /** As in AddedLayer. */
  readonly tarFault?: string | undefined;
}

/** One of a stream that starts as compressed data does and is none that can be read: an image that has it as a layer is refused. */
export interface FailedMember {
  readonly kind: 'failed';
  readonly name: string;
  readonly size: number;
  readonly error: BundleError;
}

export interface MemberTable {
  /** What it is a table of, for messages: `archive "images.tar"`. */
  readonly label: string;
  readonly isEmpty: boolean;
  /** Whether it is a tar with the members of a bundle of bundlefs, in their order. */
  readonly isBundle?: boolean;
  /** What stands behind the end of the tar, which nobody reads; absent where that is nothing but zeros. */
  readonly extra?: BytesBehindEnd;
  /**
   * The file of this name, links followed, or undefined. Throws archive-corrupt for a name or a link that leads out of
   * the archive, or in circles.
   */
  findMember(name: string): Promise<Member | undefined>;
}

/** Where docker before 1.10 had the names of images, and no manifest.json; later ones write it beside that. */
export const legacyNamesName = 'repositories';

/** Documents (manifests, configs, indexes) are read whole; larger ones are refused. */
export const largestDocumentSize = 16 * 1024 * 1024;

/** All bytes of `member`. Throws archive-unsupported above 16 MiB, archive-corrupt where it passed as a layer. */
export async function readDocument(member: Member, label: string): Promise<Uint8Array> {
  if (member.kind === 'kept') return member.bytes;
  if (member.kind === 'passed' || member.kind === 'failed') {
    throw new BundleError('archive-corrupt', `Cannot read "${member.name}" in ${label}: it is not JSON`);
  }
  if (member.size > largestDocumentSize) {
    throw new BundleError(
      'archive-unsupported',
      `Cannot read "${member.name}" in ${label}: it has ${member.size} bytes, at most ${largestDocumentSize} were expected`,
    );
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of member.stream()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The file of this name, which is a part of the image that `label` names: what is wrong with the name is that image's fault. */
export async function findPart(table: MemberTable, name: string, label: string): Promise<Member | undefined> {
  try {
    return await table.findMember(name);
  } catch (error) {
    if (!isBundleError(error, 'archive-corrupt')) throw error;
    throw new BundleError(error.code, `Cannot take ${label}: ${error.message}`, { cause: error });
  }
}

/** The document of this name, or undefined. Throws as findMember and readDocument do. */
export async function findDocument(table: MemberTable, name: string): Promise<Uint8Array | undefined> {
  const member = await table.findMember(name);
  return member && readDocument(member, table.label);
}
