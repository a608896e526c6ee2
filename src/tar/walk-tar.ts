/** Walks a tar archive front to back, member by member, and takes nothing for whole that is not. */
import { BundleError } from '../errors.ts';
import { findNonZero, isZero } from '../zeros.ts';
import { type ByteReader, endedEarly } from './byte-reader.ts';
import { garbageFound, readTarHeader, type TarHeader } from './read-tar-header.ts';
import { tarBlockSize, tarPadding } from './tar-header.ts';

export interface TarEntry extends TarHeader {
  /** Where its content starts in the archive, in bytes. */
  readonly contentPosition: number;
  /** All of its content, the receiver's to keep. Throws archive-unsupported above `limit` bytes (16 MiB). */
  read(limit?: number): Promise<Uint8Array>;
  /** Its content in chunks, the receiver's to keep. Content can be taken once, and before the next entry is asked for. */
  stream(): AsyncIterable<Uint8Array>;
}

const defaultReadLimit = 16 * 1024 * 1024;

/**
 * Zeros behind the end that are read: writers fill up to 10 KiB, those for tapes up to some MiB. More of them are no archive
 * but a few bytes of a compressed file that keep its reader busy.
 */
const largestEnd = 1024 * 1024 * 1024;

/**
 * The members of the archive. What is not read of a member's content is skipped. The walk ends only after the two zero
 * blocks that end an archive and nothing but zeros behind them; the reader is closed when it ends or is broken off.
 * Throws archive-empty, archive-truncated, archive-corrupt, archive-unsupported for more zeros behind them than anybody writes, and
 * source-failed for an engine's error in the archive.
 */
export async function* walkTar(reader: ByteReader): AsyncGenerator<TarEntry, void, undefined> {
  try {
    for (;;) {
      const header = await readTarHeader(reader);
      if (header === undefined) break;
      const end = reader.position + header.size;
      yield openEntry(reader, header);
      await reader.skip(end + tarPadding(header.size) - reader.position);
    }
    await readEnd(reader);
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
    for await (const chunk of reader.stream(header.size)) {
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

/** The second zero block, and zeros up to the end: writers fill up to 10 KiB or more, and engines append errors. */
async function readEnd(reader: ByteReader): Promise<void> {
  const block = await reader.read(tarBlockSize);
  if (block === undefined) throw await endedEarly(reader, 'the second of two zero blocks');
  if (!isZero(block)) throw await garbageFound(reader, block.length);
  const end = reader.position;
  for await (const chunk of reader.rest()) {
    const start = findNonZero(chunk);
    if (start >= 0) throw await garbageFound(reader, chunk.length - start);
    if (reader.position - end > largestEnd) throw tooManyZeros(reader.label);
  }
}

function tooManyZeros(label: string): BundleError {
  return new BundleError(
    'archive-unsupported',
    `Cannot read ${label}: more than 1 GiB of zeros follow its end`,
    { hint: 'No program that writes archives does that. Save the images again.' },
  );
}
