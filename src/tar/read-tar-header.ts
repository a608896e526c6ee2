/** Reads one member's header, with the PAX and GNU headers before it; the owner of tar-stream, which decodes them. */
import { once } from 'node:events';
import { type Extract, extract } from 'tar-stream';
import { BundleError, describeError } from '../errors.ts';
import { type ByteReader, endedEarly, engineFailed } from './byte-reader.ts';
import { findEngineError } from './engine-error.ts';
import { isZero } from '../zeros.ts';
import { tarBlockSize } from './tar-header.ts';

export type TarEntryKind = 'file' | 'directory' | 'symlink' | 'hardlink' | 'other';

export interface TarHeader {
  readonly kind: TarEntryKind;
  /** As it stands in the archive: see isSafeName. */
  readonly name: string;
  /** Where a link points to. */
  readonly linkName?: string;
  /** Bytes of content that follow the header. */
  readonly size: number;
}

/** What tar-stream really gives; its declarations leave out the nulls. */
interface DecodedHeader {
  readonly name: string;
  readonly type: string | null;
  readonly linkname: string | null;
  readonly size: number;
}

/** Types whose header may name a size that no content follows for (Go archive/tar, "isHeaderOnly"). */
const headerOnlyTypes = ['link', 'symlink', 'directory', 'character-device', 'block-device', 'fifo'];

/**
 * Reads headers up to the start of a member's content, or returns undefined after the first zero block of the end.
 * Throws archive-empty, archive-truncated, archive-corrupt, or source-failed where an engine's error stands there.
 */
export async function readTarHeader(reader: ByteReader): Promise<TarHeader | undefined> {
  const start = reader.position;
  await using decoder = createHeaderDecoder();
  for (;;) {
    const block = await reader.read(tarBlockSize);
    if (block === undefined) throw await missingEnd(reader);
    const isFirst = reader.position === start + tarBlockSize;
    if (isFirst && isZero(block)) return undefined;
    let header: DecodedHeader | undefined;
    try {
      header = await decoder.decode(block);
    } catch (error) {
      throw await garbageFound(reader, block.length, error);
    }
    if (header !== undefined) return describeHeader(reader, header);
  }
}

/** Bytes after garbage to look through for the end, where an engine's error would stand. */
const garbageLimit = 64 * 1024;

/** The error for `size` bytes, just read, that no tar has there: source-failed where the archive ends in an engine's error. */
export async function garbageFound(reader: ByteReader, size: number, cause?: unknown): Promise<BundleError> {
  const start = reader.position - size;
  let passed = 0;
  for await (const part of reader.rest()) {
    passed += part.length;
    if (passed > garbageLimit) break;
  }
  const reason = passed > garbageLimit ? undefined : findEngineError(await reader.tail());
  if (reason !== undefined) return engineFailed(reader.label, reason);
  const found =
    start === 0
      ? 'it is not a tar archive'
      : `no tar header and no end of archive at byte ${start}${cause === undefined ? '' : ` (${describeError(cause)})`}`;
  return new BundleError('archive-corrupt', `Cannot read ${reader.label}: ${found}`, { cause });
}

async function missingEnd(reader: ByteReader): Promise<BundleError> {
  if (reader.position > 0) return endedEarly(reader, 'another member or the end of the archive');
  return new BundleError('archive-empty', `Cannot read ${reader.label}: it is empty`);
}

function describeHeader(reader: ByteReader, header: DecodedHeader): TarHeader {
  const kind = kindOf(header);
  const size = header.type !== null && headerOnlyTypes.includes(header.type) ? 0 : header.size;
  if (!Number.isSafeInteger(reader.position + size)) {
    throw new BundleError(
      'archive-corrupt',
      `Cannot read ${reader.label}: "${header.name}" cannot have ${size} bytes`,
    );
  }
  return {
    kind,
    name: header.name,
    size,
    ...(header.linkname === null ? {} : { linkName: header.linkname }),
  };
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
    found = header;
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
