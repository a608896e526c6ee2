/** What views are made from. */
import type { Bundle } from '../../bundle/open-bundle.ts';
import type { DiffId } from '../../ground/digest.ts';
import type { DecodedFile } from '../../file/decoded-file.ts';

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
