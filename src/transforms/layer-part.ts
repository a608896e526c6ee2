/** What a layer made of other layers consists of: runs of their bytes, changed headers, and what no layer has. */
import type { EntryMetadata } from '../format/tree/entry-metadata.ts';
import type { MemberPlace } from '../format/tree/tree.ts';

export type LayerPart<Layer> =
  /** Bytes of a layer as they stand there: whole members, headers and padding with them. */
  | { readonly kind: 'copy'; readonly layer: Layer; readonly start: number; readonly size: number }
  /** A member under another name, or with other metadata. */
  | {
      readonly kind: 'rename';
      readonly place: MemberPlace<Layer>;
      readonly path: string;
      readonly metadata?: EntryMetadata | undefined;
    }
  /** A member as a hardlink to another one of the same layer. */
  | {
      readonly kind: 'link';
      readonly place: MemberPlace<Layer>;
      readonly path: string;
      readonly target: string;
      readonly metadata?: EntryMetadata | undefined;
    }
  /** A folder that has a member in no layer. */
  | { readonly kind: 'folder'; readonly path: string }
  /** An empty file whose name is a whiteout. */
  | { readonly kind: 'whiteout'; readonly path: string };
