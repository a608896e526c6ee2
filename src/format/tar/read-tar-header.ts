/** Reads one member's header, with the PAX and GNU headers before it; the owner of tar-stream, which decodes them. */
import { once } from 'node:events';
import { type Extract, extract } from 'tar-stream';
import { BundleError, describeError, isBundleError } from '../../ground/errors.ts';
import { type ByteReader, endedEarly, engineFailed } from './byte-reader.ts';
import { findEngineError } from './engine-error.ts';
import { isZero } from '../../ground/zeros.ts';
import { explainChangedBytes } from './explain-changed-bytes.ts';
import { nameForeignBytes } from './name-foreign-bytes.ts';
import { listPaxRecords, type PaxRecord } from './pax-records.ts';
import { readSparseMap, type SparseMap } from './sparse-map.ts';
import { readTarNumber } from './tar-field.ts';
import { tarBlockSize, tarPadding } from './tar-header.ts';

export type TarEntryKind = 'file' | 'directory' | 'symlink' | 'hardlink' | 'other';

export interface TarHeader {
  readonly kind: TarEntryKind;
  /** As it stands in the archive: see isSafeName. */
  readonly name: string;
  /** Where a link points to. */
  readonly linkName?: string;
  /** Bytes of the member's content. */
  readonly size: number;
  /** Bytes of the archive that the content takes, without padding: fewer than `size` for a sparse file. */
  readonly storedSize: number;
  /** Of a sparse file: where its stored bytes belong. */
  readonly sparse?: SparseMap;
}

/** What tar-stream really gives; its declarations leave out the nulls. */
interface DecodedHeader {
  readonly name: string;
  readonly type: string | null;
  readonly linkname: string | null;
  readonly size: number;
  /** Keys of the extended header; a later one has replaced an earlier one. */
  readonly pax: Readonly<Record<string, string>> | null;
}

/** Types whose header may name a size that no content follows for (Go archive/tar, "isHeaderOnly"). */
const headerOnlyTypes = ['link', 'symlink', 'directory', 'character-device', 'block-device', 'fifo'];

/**
 * Reads headers up to the start of a member's content, or returns undefined after the first zero block of the end.
 * Throws archive-empty, archive-truncated, archive-corrupt, archive-unsupported, or source-failed where an engine's
 * error stands there.
 */
export async function readTarHeader(reader: ByteReader): Promise<TarHeader | undefined> {
  const start = reader.position;
  const blocks: Uint8Array[] = [];
  await using decoder = createHeaderDecoder();
  for (;;) {
    const block =
      start === 0 && blocks.length === 0 ? await readFirst(reader) : await reader.read(tarBlockSize);
    if (block === undefined) throw await missingEnd(reader);
    if (blocks.length === 0 && isZero(block)) return undefined;
    blocks.push(block);
    let header: DecodedHeader | undefined;
    try {
      header = await decoder.decode(block);
    } catch (error) {
      throw await garbageFound(reader, block, error);
    }
    if (header !== undefined) return await describeHeader(reader, header, blocks);
  }
}

/** What is shorter than a block is no archive that broke off, if it is something else that can be named. */
async function readFirst(reader: ByteReader): Promise<Uint8Array | undefined> {
  try {
    return await reader.read(tarBlockSize);
  } catch (error) {
    if (isBundleError(error, 'archive-truncated')) throw noTar(reader, await reader.tail()) ?? error;
    throw error;
  }
}

/** Bytes after garbage to look through for the end, where an engine's error would stand. */
const garbageLimit = 64 * 1024;

/** The error for `block`, just read, that no tar has there: source-failed where the archive ends in an engine's error. */
export async function garbageFound(
  reader: ByteReader,
  block: Uint8Array,
  cause?: unknown,
): Promise<BundleError> {
  const start = reader.position - block.length;
  let passed = 0;
  const parts = [block];
  for await (const part of reader.rest()) {
    passed += part.length;
    parts.push(part);
    if (passed > garbageLimit) break;
  }
  const reason = passed > garbageLimit ? undefined : findEngineError(await reader.tail());
  if (reason !== undefined) return engineFailed(reader.label, reason);
  if (start === 0) {
    const message = `Cannot read ${reader.label}: it is not a tar archive`;
    return noTar(reader, block) ?? new BundleError('archive-corrupt', message, { cause });
  }
  const found = `no tar header and no end of archive at byte ${start}${cause === undefined ? '' : ` (${describeError(cause)})`}`;
  const hint = explainChangedBytes(Buffer.concat(parts).subarray(0, garbageLimit));
  return new BundleError('archive-corrupt', `Cannot read ${reader.label}: ${found}`, {
    cause,
    hint,
  });
}

/** The error for what starts with `bytes` and is no tar, where that is known by its name. */
function noTar(reader: ByteReader, bytes: Uint8Array): BundleError | undefined {
  const known = nameForeignBytes(bytes);
  if (known === undefined) return undefined;
  const { code, what, hint } = known;
  return new BundleError(code, `Cannot read ${reader.label}: it is not a tar archive, but ${what}`, { hint });
}

async function missingEnd(reader: ByteReader): Promise<BundleError> {
  if (reader.position > 0) return endedEarly(reader, 'another member or the end of the archive');
  return new BundleError('archive-empty', `Cannot read ${reader.label}: it is empty`);
}

async function describeHeader(
  reader: ByteReader,
  header: DecodedHeader,
  blocks: readonly Uint8Array[],
): Promise<TarHeader> {
  const isHeaderOnly = header.type !== null && headerOnlyTypes.includes(header.type);
  const plain = {
    kind: kindOf(header),
    name: header.name,
    ...(header.linkname === null ? {} : { linkName: header.linkname }),
  };
  const storedSize = isHeaderOnly ? 0 : header.size;
  checkSize(reader, header.name, storedSize);
  const block = blocks.at(-1);
  const isSparse =
    block?.[156] === 0x53 || Object.keys(header.pax ?? {}).some((key) => key.startsWith(sparsePrefix));
  if (block === undefined || !isSparse || isHeaderOnly) return { ...plain, size: storedSize, storedSize };
  const start = reader.position;
  const records = findPaxRecords(blocks);
  const realName = records.findLast(([key, value]) => key === `${sparsePrefix}name` && value.length > 0)?.[1];
  const name = realName?.toString('utf8') ?? header.name;
  const isOld = block[156] === 0x53;
  const sparse = await readSparseMap(reader, { name, block, records, storedSize });
  if (sparse === undefined) return { ...plain, size: storedSize, storedSize };
  // The map of the form 1.0 is a part of the content; the blocks of an old one are a part of the header.
  const stored = isOld ? storedSize : storedSize - (reader.position - start);
  checkSize(reader, name, stored);
  return { ...plain, kind: 'file', name, size: sparse.size, storedSize: stored, sparse };
}

const sparsePrefix = 'GNU.sparse.';

function checkSize(reader: ByteReader, name: string, size: number): void {
  if (Number.isSafeInteger(reader.position + size)) return;
  throw new BundleError(
    'archive-corrupt',
    `Cannot read ${reader.label}: "${name}" cannot have ${size} bytes`,
  );
}

/** The records of the last extended header in `blocks`, which tar-stream has accepted; all of them, for some keys repeat. */
function findPaxRecords(blocks: readonly Uint8Array[]): PaxRecord[] {
  let records: PaxRecord[] = [];
  for (let index = 0; index < blocks.length - 1;) {
    const block = blocks[index] ?? new Uint8Array(tarBlockSize);
    const size = readTarNumber(block, 124, 136) ?? 0;
    const next = index + 1 + (size + tarPadding(size)) / tarBlockSize;
    if (block[156] === 0x78) {
      records = listPaxRecords(Buffer.concat(blocks.slice(index + 1, next)).subarray(0, size)) ?? [];
    }
    index = next;
  }
  return records;
}

const kindsByType: Readonly<Record<string, TarEntryKind>> = {
  file: 'file',
  'contiguous-file': 'file',
  directory: 'directory',
  symlink: 'symlink',
  link: 'hardlink',
};

function kindOf({ type, name }: DecodedHeader): TarEntryKind {
  const kind = kindsByType[type ?? ''] ?? 'other';
  return kind === 'file' && name.endsWith('/') ? 'directory' : kind; // v7 tars know no other sign of a directory
}

interface HeaderDecoder extends AsyncDisposable {
  /** Takes the next block; the header, once the block that completes it is there. Throws what tar-stream found wrong. */
  decode(block: Uint8Array): Promise<DecodedHeader | undefined>;
}

/**
 * A tar-stream extractor for one member. It is given blocks one by one until it announces the member, and never sees
 * content: so content can be skipped in a file, and is not copied through a second stream.
 */
function createHeaderDecoder(): HeaderDecoder {
  // Without a high-water mark every write is answered by 'drain' once the block has been looked at; the cast is for
  // declarations that leave out both options.
  const extractor: Extract = extract({ highWaterMark: 0, allowUnknownFormat: true } as object);
  let found: DecodedHeader | undefined;
  extractor.on('entry', (header) => {
    found = header as DecodedHeader;
  });
  return {
    async decode(block) {
      const isDone = once(extractor, 'drain');
      extractor.write(block);
      await isDone;
      return found;
    },
    [Symbol.asyncDispose]() {
      extractor.destroy();
      return Promise.resolve();
    },
  };
}
