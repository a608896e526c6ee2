/** Walks a layer's tar member by member with all metadata: what trees are made of, and squashed or compared layers. */
import { BundleError } from '../../ground/errors.ts';
import { isZero } from '../../ground/zeros.ts';
import type { ByteReader } from './byte-reader.ts';
import { findEngineSize } from './engine-size.ts';
import { decodeLayerMember, type LayerMember, refusedTypes } from './layer-member.ts';
import { largestPaxSize, parsePaxRecords } from './pax-records.ts';
import { findText } from './tar-field.ts';
import { tarBlockSize, tarPadding } from './tar-header.ts';

/** A member whose content can be read while the walk stands at it. */
export interface PassingMember {
  readonly member: LayerMember;
  /** Its content in chunks, the receiver's to keep. To be taken once, before the next member is asked for, or not at all. */
  stream(): AsyncIterable<Uint8Array>;
}

/** A member that engines refuse. */
export interface RefusedMember {
  readonly headerPosition: number;
  /** As its header has it: `Z`. */
  readonly type: string;
}

/**
 * The members in the order of the layer. One of an unknown kind, or whose name cannot be one, is left out, and
 * `onRefused` is told; and of one that tar knows and engines do not. Members without a name are passed over, as engines
 * do. Content that nobody takes is skipped. Other than walkTar this takes a layer as engines do: it ends at two
 * blocks of zeros or at the end of the bytes, the last padding and the second block may be missing. Throws archive-corrupt and archive-truncated.
 */
export async function* walkLayer(
  reader: ByteReader,
  onRefused?: (member: RefusedMember) => void,
): AsyncGenerator<PassingMember, void, undefined> {
  try {
    for (;;) {
      const headerPosition = reader.position;
      const found = await readHeaders(reader);
      if (found === undefined) return;
      const end = reader.position + found.size;
      const place = { headerPosition, contentPosition: reader.position, size: found.size };
      const member = decodeLayerMember(found.block, found, place);
      const type = String.fromCharCode(found.block[156] ?? 0);
      if (member === 'unknown' || refusedTypes.includes(type)) onRefused?.({ headerPosition, type });
      if (typeof member === 'object') yield { member, stream: () => reader.stream(member.size) };
      await reader.skip(end - reader.position);
      await reader.skipAtMost(tarPadding(found.size));
    }
  } finally {
    await reader.close();
  }
}

interface FoundHeader {
  readonly block: Uint8Array;
  readonly size: number;
  readonly records: ReadonlyMap<string, Buffer>;
  readonly path?: Buffer;
  readonly target?: Buffer;
  readonly sparseBlocks?: Buffer;
}

/** The next member's header, all headers that extend it read; undefined at the end of the archive. */
async function readHeaders(reader: ByteReader): Promise<FoundHeader | undefined> {
  let records: ReadonlyMap<string, Buffer> = new Map();
  let long: Pick<FoundHeader, 'path' | 'target' | 'sparseBlocks'> = {};
  for (;;) {
    const block = await reader.read(tarBlockSize);
    if (block === undefined) return undefined;
    if (isZero(block)) {
      await readEnd(reader);
      return undefined;
    }
    const type = String.fromCharCode(block[156] ?? 0);
    const isExtension = 'xgLK'.includes(type);
    const size = findEngineSize(block, isExtension ? new Map() : records);
    if (size === undefined || !Number.isSafeInteger(reader.position + size)) throw noHeader(reader);
    if (type === 'S') long = { ...long, sparseBlocks: await readSparseBlocks(reader, block) };
    if (!isExtension) return { block, size, records, ...long };
    const content = await readExtension(reader, size);
    const text = findText(content, 0, content.length);
    if (type === 'L') long = { ...long, path: text.length > 0 ? text : long.path };
    else if (type === 'K') long = { ...long, target: text.length > 0 ? text : long.target };
    else {
      const parsed = parsePaxRecords(content);
      if (parsed === undefined) throw noHeader(reader);
      // Global headers are passed over, as engines do (moby pkg/archive, "PAX Global Extended Headers found and ignored").
      if (type === 'x') records = parsed;
    }
  }
}

/** A second block of zeros, or the end of the bytes: engines take nothing else behind the first one. */
async function readEnd(reader: ByteReader): Promise<void> {
  const block = await reader.read(tarBlockSize);
  if (block !== undefined && !isZero(block)) throw noHeader(reader);
}

async function readExtension(reader: ByteReader, size: number): Promise<Buffer> {
  if (size > largestPaxSize) throw noHeader(reader);
  const content = size === 0 ? new Uint8Array(0) : await reader.read(size);
  await reader.skipAtMost(tarPadding(size));
  return Buffer.from(content ?? []);
}

/** The blocks of an old GNU tar's sparse map, each of which says whether another one follows; its size does not count them. */
async function readSparseBlocks(reader: ByteReader, header: Uint8Array): Promise<Buffer> {
  const blocks: Uint8Array[] = [];
  for (let isFollowed = header[482] === 1; isFollowed;) {
    const block = await reader.read(tarBlockSize);
    if (block === undefined || blocks.length * tarBlockSize > largestPaxSize) throw noHeader(reader);
    blocks.push(block);
    isFollowed = block[504] === 1;
  }
  return Buffer.concat(blocks);
}

function noHeader(reader: ByteReader): BundleError {
  return new BundleError(
    'archive-corrupt',
    `Cannot read ${reader.label}: no tar header and no end of archive before byte ${reader.position}`,
  );
}
