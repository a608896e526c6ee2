/** One file of a view: where it stands in the mount, and its bytes. */
import { type DiffId, type Digest, digestOf } from '../../ground/digest.ts';
import type { DecodedFile } from '../../file/decoded-file.ts';
import type { StoredFile } from '../../file/stored-file.ts';
import type { Bundle } from '../../bundle/open-bundle.ts';

export interface ViewFile {
  /** From the mount point on: `oci/index.json`. Folders on the way are made. */
  readonly path: string;
  readonly mtimeMs: number;
  /** Tells these bytes from others: their digest, or another name that only they have. */
  readonly identity: string;
  readonly content:
    | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
    /** Both belong to the bundle, and are closed with it. */
    | { readonly kind: 'extents'; readonly file: StoredFile }
    | { readonly kind: 'decoded'; readonly file: DecodedFile };
}

/**
 * The modification time of files that are named by their digest: always the same, so that a copy that goes by size and
 * time finds those that it has. It is the earliest that FAT can hold.
 */
export const fixedTimeMs = Date.UTC(1980, 0, 1);

export function bytesFile(path: string, bytes: Uint8Array, mtimeMs: number): ViewFile {
  return { path, mtimeMs, identity: digestOf(bytes), content: { kind: 'bytes', bytes } };
}

export function decodedFile(path: string, file: DecodedFile, digest: Digest): ViewFile {
  return { path, mtimeMs: fixedTimeMs, identity: digest, content: { kind: 'decoded', file } };
}

/** A blob of the bundle: a layer, or a config or manifest. */
export type PlacedBlob =
  | { readonly kind: 'layer'; readonly digest: DiffId; readonly file: DecodedFile }
  | { readonly kind: 'document'; readonly hex: string; readonly bytes: Uint8Array };

export interface ViewBundle {
  readonly bundle: Bundle;
  readonly createdMs: number;
  /** Layers first, each once, in the order of the bundle. */
  readonly blobs: readonly PlacedBlob[];
}
