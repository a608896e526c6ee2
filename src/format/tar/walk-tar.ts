/** Walks a tar archive front to back, member by member, and takes nothing for whole that is not. */
import { BundleError } from '../../ground/errors.ts';
import { findLastNonZero, findNonZero, isZero } from '../../ground/zeros.ts';
import { type ByteReader, endedEarly, engineFailed, tailSize } from './byte-reader.ts';
import { findEngineError, startsWithEngineError } from './engine-error.ts';
import { garbageFound, readTarHeader, type TarHeader } from './read-tar-header.ts';
import { expandSparse } from './sparse-map.ts';
import { tarBlockSize, tarPadding } from './tar-header.ts';

export interface TarEntry extends TarHeader {
  /** Where the `storedSize` bytes of its content start in the archive. */
  readonly contentPosition: number;
  /** All of its content, the receiver's to keep. Throws archive-unsupported above `limit` bytes (16 MiB). */
  read(limit?: number): Promise<Uint8Array>;
  /** Its content in chunks, holes filled, the receiver's to keep. Content can be taken once, and before the next entry is asked for. */
  stream(): AsyncIterable<Uint8Array>;
}

const defaultReadLimit = 16 * 1024 * 1024;

/** Bytes behind the end of an archive, zeros before and behind them left out. */
export interface BytesBehindEnd {
  /** Where the first of them is in the archive. */
  readonly position: number;
  readonly size: number;
}

/**
 * Zeros in a row behind the end that are read: writers fill up to 10 KiB, those for tapes up to some MiB. More of them
 * are no archive but a few bytes of a compressed file that keep its reader busy.
 */
const largestEnd = 1024 * 1024 * 1024;

/**
 * The members of the archive. What is not read of a member's content is skipped. The walk ends after the two zero blocks
 * that end an archive, and passes over what stands behind them, as Go's archive/tar does and so every engine: pixz puts
 * its index there. `onExtra` is told of it, unless it is zeros. The reader is closed when the walk ends or is broken off.
 * Throws archive-empty, archive-truncated, archive-corrupt, archive-unsupported, also for more zeros behind the end than
 * anybody writes, and source-failed for an engine's error in the archive or behind it.
 */
export async function* walkTar(
  reader: ByteReader,
  onExtra?: (extra: BytesBehindEnd) => void,
): AsyncGenerator<TarEntry, void, undefined> {
  try {
    for (;;) {
      const header = await readTarHeader(reader);
      if (header === undefined) break;
      const end = reader.position + header.storedSize;
      yield openEntry(reader, header);
      await reader.skip(end + tarPadding(header.storedSize) - reader.position);
    }
    const extra = await readEnd(reader);
    if (extra !== undefined) onExtra?.(extra);
  } finally {
    await reader.close();
  }
}

function openEntry(reader: ByteReader, header: TarHeader): TarEntry {
  const contentPosition = reader.position;
  let taken = 0;
  const checkPosition = (): void => {
    if (reader.position === contentPosition + taken) return;
    throw new TypeError(`The content of "${header.name}" was passed already`);
  };
  async function* stream(): AsyncGenerator<Uint8Array> {
    checkPosition();
    if (taken > 0) throw new TypeError(`The content of "${header.name}" was taken already`);
    const stored = takeStored();
    yield* header.sparse === undefined ? stored : expandSparse(stored, header.sparse);
  }
  async function* takeStored(): AsyncGenerator<Uint8Array> {
    for await (const chunk of reader.stream(header.storedSize)) {
      taken += chunk.length;
      yield chunk;
      checkPosition();
    }
  }
  return {
    ...header,
    contentPosition,
    async read(limit = defaultReadLimit) {
      if (header.size > limit) {
        throw new BundleError(
          'archive-unsupported',
          `Cannot read "${header.name}" in ${reader.label}: it has ${header.size} bytes, at most ${limit} were expected`,
        );
      }
      const chunks: Uint8Array[] = [];
      for await (const chunk of stream()) chunks.push(chunk);
      return Buffer.concat(chunks);
    },
    stream,
  };
}

/** The second zero block, and all behind it: writers fill up to 10 KiB or more with zeros, and engines append errors. */
async function readEnd(reader: ByteReader): Promise<BytesBehindEnd | undefined> {
  const block = await reader.read(tarBlockSize);
  if (block === undefined) throw await endedEarly(reader, 'the second of two zero blocks');
  if (!isZero(block)) throw await garbageFound(reader, block);
  const head: Uint8Array[] = [];
  let headSize = 0;
  let first: number | undefined;
  let end = reader.position;
  for await (const chunk of reader.rest()) {
    const start = findNonZero(chunk);
    const position = reader.position - chunk.length;
    if (start >= 0) {
      first ??= position + start;
      end = position + findLastNonZero(chunk) + 1;
    }
    if (reader.position - end > largestEnd) throw tooManyZeros(reader.label);
    if (first === undefined || headSize >= tailSize) continue;
    const part = chunk.subarray(Math.max(0, first - position)).subarray(0, tailSize - headSize);
    head.push(part.slice());
    headSize += part.length;
  }
  if (first === undefined) return undefined;
  const reason = startsWithEngineError(Buffer.concat(head)) ?? findEngineError(await reader.tail());
  if (reason !== undefined) throw engineFailed(reader.label, reason);
  return { position: first, size: end - first };
}

function tooManyZeros(label: string): BundleError {
  return new BundleError(
    'archive-unsupported',
    `Cannot read ${label}: more than 1 GiB of zeros follow its end`,
    { hint: 'No program that writes archives does that. Save the images again.' },
  );
}

/** Whether `name` is relative and stays below where it starts: not empty, not absolute, no `..` part, no NUL byte. */
export function isSafeName(name: string): boolean {
  return name !== '' && !name.startsWith('/') && !name.includes('\0') && !name.split('/').includes('..');
}
