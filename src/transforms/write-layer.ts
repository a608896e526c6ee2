/** Writes a planned layer as a tar: copies are streamed from their layers, and nothing else is ever in memory. */
import { encodeMetaHeader, tarEnd, tarPadding } from '../format/tar/tar-header.ts';
import { rewriteHeader } from '../format/tar/rewrite-header.ts';
import { encodeLayerText } from '../format/tar/layer-text.ts';
import type { LayerMember } from '../format/tar/layer-member.ts';
import type { EntryMetadata } from '../format/tree/entry-metadata.ts';
import type { MemberPlace } from '../format/tree/tree.ts';

/** A layer at random access. */
export interface ReadableLayer {
  /** Bytes of its tar. */
  readonly size: number;
  stream(start: number, end: number): AsyncIterable<Uint8Array>;
}

/** Finds the bytes of a layer. */
export type OpenLayer<Layer> = (layer: Layer) => Promise<ReadableLayer>;

/** The bytes of the layer, its end with them; each chunk is the receiver's to keep. */
export async function* writeLayer<Layer>(
  parts: readonly LayerPart<Layer>[],
  open: OpenLayer<Layer>,
): AsyncGenerator<Uint8Array> {
  for (const part of parts) {
    const header = await makeHeader(part, open);
    if (header !== undefined) yield header;
    const range = rangeOf(part);
    if (range !== undefined) yield* readRange(await open(range.layer), range.start, range.start + range.size);
  }
  yield tarEnd;
}

/** The last member of a layer may lack its padding: it gets it here, for something may follow it now. */
async function* readRange(layer: ReadableLayer, start: number, end: number): AsyncGenerator<Uint8Array> {
  const last = Math.min(end, layer.size);
  if (last > start) yield* layer.stream(start, last);
  if (end > last) yield new Uint8Array(end - last);
}

/** Bytes that writeLayer gives for `parts`; reads headers that will be changed, and no content. */
export async function measureLayer<Layer>(
  parts: readonly LayerPart<Layer>[],
  open: OpenLayer<Layer>,
): Promise<number> {
  let size = tarEnd.length;
  for (const part of parts) {
    size += (await makeHeader(part, open))?.length ?? 0;
    size += rangeOf(part)?.size ?? 0;
  }
  return size;
}

/** What of a layer follows the part's own header. */
function rangeOf<Layer>(
  part: LayerPart<Layer>,
): { readonly layer: Layer; readonly start: number; readonly size: number } | undefined {
  if (part.kind === 'copy') return part;
  if (part.kind !== 'rename') return undefined;
  const { contentPosition, size } = part.place.member;
  return { layer: part.place.layer, start: contentPosition, size: size + tarPadding(size) };
}

async function makeHeader<Layer>(
  part: LayerPart<Layer>,
  open: OpenLayer<Layer>,
): Promise<Buffer | undefined> {
  switch (part.kind) {
    case 'copy':
      return undefined;
    case 'rename':
      return rewriteHeader(await readHeader(await open(part.place.layer), part.place.member), {
        path: part.path,
        metadata: part.metadata,
      });
    case 'link':
      return rewriteHeader(await readHeader(await open(part.place.layer), part.place.member), {
        link: part.target,
        metadata: part.metadata,
        path: part.path !== part.place.member.path ? part.path : undefined,
      });
    case 'folder':
      return encodeMetaHeader('directory', encodeLayerText(`${part.path}/`));
    case 'whiteout':
      return encodeMetaHeader('file', encodeLayerText(part.path));
  }
}

async function readHeader(
  layer: ReadableLayer,
  { headerPosition, contentPosition }: LayerMember,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of layer.stream(headerPosition, contentPosition)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

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
