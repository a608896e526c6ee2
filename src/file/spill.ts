/** Decoded content on disk, in files without names: what memory has no room for is read back, not decoded again. */
import type { FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { readAtHand } from '../addon/device-io.ts';
import { openNamelessFile } from '../disk/nameless-file.ts';
import { readFully } from './read-chunks.ts';

/** A sum is kept for each, and verified whenever a byte of it is read back. */
const chunkSize = 16 * 1024;

/** Content is written in parts of this size. */
const writeSize = 1024 * 1024;

/** Content that waits to be written, at most: what comes faster than the disk takes it is let go. */
const waitingLimit = 48 * 1024 * 1024;

const segmentSizeLimit = 64 * 1024 * 1024;
const segmentCountLimit = 64;

export interface SpillOptions {
  /** Where its files are; one of a file system that cannot do without has a name there, `.….partial`, for a moment. */
  readonly folder: string;
  /** Bytes that it may take; asked before each block, with the bytes that it takes. */
  readonly limit: (usedSize: number) => number | Promise<number>;
  /** Told once, of what was the first to stand in the way of writing. */
  readonly onFailure?: (error: unknown) => void;
}

/**
 * Content by a key that only equal content has. It is a convenience: whatever fails here, content is not found, and is
 * decoded again. Files that it has begun die with the process.
 */
export interface Spill extends AsyncDisposable {
  /** Bytes on disk. */
  readonly usedSize: number;
  has(key: string): boolean;
  /** Fills `target` from `start` of the content on, without waiting for a disk; otherwise returns false. */
  tryRead(key: string, target: Uint8Array, start: number): boolean;
  /** The same, from the disk as well. */
  read(key: string, target: Uint8Array, start: number): Promise<boolean>;
  /** Takes `content`, which nobody may change, to write it when there is time. May let it go. */
  put(key: string, content: Buffer): void;
  /** Resolves when nothing waits to be written. */
  settle(): Promise<void>;
}

/** A file with the content of several blocks, which are given up together. */
interface Segment {
  readonly handle: FileHandle;
  readonly keys: string[];
  size: number;
}

interface Place {
  readonly segment: Segment;
  readonly position: number;
  readonly length: number;
  /** CRC-32 of each chunk. */
  readonly sums: Uint32Array;
}

/** Whole chunks of a place that hold what is asked for. */
interface Span {
  readonly firstChunk: number;
  readonly from: number;
  readonly to: number;
}

/** A spill that has nothing, and makes its first file when it is given something. */
export function createSpill({ folder, limit, onFailure }: SpillOptions): Spill {
  const places = new Map<string, Place>();
  const segments = new Set<Segment>(); // that which was read longest ago first
  const waiting = new Map<string, Buffer>();
  let current: Segment | undefined;
  let [usedSize, waitingSize] = [0, 0];
  let failedAt = Infinity;
  let writing: Promise<void> | undefined;
  let scratch = Buffer.alloc(0);

  const fail = (error: unknown): void => {
    if (failedAt === Infinity) onFailure?.(error);
    failedAt = Math.min(failedAt, usedSize); // where the disk is full, or broken, it does not grow any more
  };
  const drop = async (segment: Segment): Promise<void> => {
    segments.delete(segment);
    if (current === segment) current = undefined;
    usedSize -= segment.size;
    for (const key of segment.keys) if (places.get(key)?.segment === segment) places.delete(key);
    await segment.handle.close(); // when the reads under way have ended
  };
  /** The segment to write to, made where there is none with room. */
  const chooseSegment = async (allowed: number): Promise<Segment> => {
    const most = Math.max(allowed / segmentCountLimit, Math.min(allowed / 8, segmentSizeLimit));
    if (current !== undefined && current.size < most) return current;
    current = { handle: await openNamelessFile(folder), keys: [], size: 0 };
    segments.add(current);
    return current;
  };
  const write = async (key: string, content: Buffer): Promise<void> => {
    const allowed = Math.min(failedAt, await limit(usedSize));
    if (content.length > allowed) return;
    for (const oldest of segments) {
      if (usedSize + content.length <= allowed) break;
      await drop(oldest);
    }
    const segment = await chooseSegment(allowed);
    const position = segment.size;
    try {
      const sums = await writeSummed(segment.handle, content, position);
      segment.size += content.length;
      usedSize += content.length;
      segment.keys.push(key);
      places.set(key, { segment, position, length: content.length, sums });
    } catch (error) {
      await segment.handle.truncate(position).catch(() => undefined);
      throw error;
    }
  };
  const writeAll = async (): Promise<void> => {
    for (let [next] = waiting; next !== undefined; [next] = waiting) {
      const [key, content] = next;
      await write(key, content).catch(fail);
      if (waiting.delete(key)) waitingSize -= content.length;
    }
    writing = undefined;
  };
  const forget = (key: string): void => {
    places.delete(key);
  };
  const touch = ({ segment }: Place): void => {
    if (segments.delete(segment)) segments.add(segment);
  };
  const spill: Spill = {
    get usedSize() {
      return usedSize;
    },
    has: (key) => places.has(key) || waiting.has(key),
    tryRead(key, target, start) {
      const content = waiting.get(key);
      if (content !== undefined) {
        content.copy(target, 0, start, start + target.length);
        return true;
      }
      const place = places.get(key);
      if (place === undefined) return false;
      const span = findSpan(place, start, target.length);
      if (scratch.length < span.to - span.from) scratch = Buffer.allocUnsafeSlow(span.to - span.from);
      const bytes = scratch.subarray(0, span.to - span.from);
      if (!readAtHand(place.segment.handle.fd, bytes, place.position + span.from)) return false;
      touch(place);
      if (isRight(place, span, bytes)) return takeFrom(bytes, span, target, start);
      forget(key);
      return false;
    },
    async read(key, target, start) {
      if (spill.tryRead(key, target, start)) return true;
      const place = places.get(key);
      if (place === undefined) return false;
      const span = findSpan(place, start, target.length);
      const bytes = Buffer.allocUnsafeSlow(span.to - span.from);
      const { handle } = place.segment;
      const file = {
        read: async (part: Uint8Array, position: number) =>
          (await handle.read(part, 0, part.length, position)).bytesRead,
      };
      touch(place);
      try {
        await readFully(file, bytes, place.position + span.from);
        if (isRight(place, span, bytes)) return takeFrom(bytes, span, target, start);
      } catch {
        // A disk that does not give back what it took, or a segment that was given up meanwhile.
      }
      if (places.get(key) === place) forget(key);
      return false;
    },
    put(key, content) {
      if (failedAt === 0 || spill.has(key) || waitingSize + content.length > waitingLimit) return;
      waiting.set(key, content);
      waitingSize += content.length;
      writing ??= writeAll();
    },
    async settle() {
      while (writing !== undefined) await writing;
    },
    async [Symbol.asyncDispose]() {
      failedAt = 0;
      await spill.settle();
      for (const segment of segments) await drop(segment);
    },
  };
  return spill;
}

/** Writes `content` and returns its chunks' sums; between parts, others have their turn. */
async function writeSummed(handle: FileHandle, content: Buffer, position: number): Promise<Uint32Array> {
  const sums = new Uint32Array(Math.ceil(content.length / chunkSize));
  for (let start = 0; start < content.length; start += writeSize) {
    const part = content.subarray(start, start + writeSize);
    for (let inside = 0; inside < part.length; inside += chunkSize) {
      sums[(start + inside) / chunkSize] = crc32(part.subarray(inside, inside + chunkSize));
    }
    for (let done = 0; done < part.length;) {
      done += (await handle.write(part, done, part.length - done, position + start + done)).bytesWritten;
    }
  }
  return sums;
}

function findSpan({ length }: Place, start: number, wanted: number): Span {
  const firstChunk = Math.floor(start / chunkSize);
  const to = Math.min(length, Math.ceil((start + wanted) / chunkSize) * chunkSize);
  return { firstChunk, from: firstChunk * chunkSize, to };
}

function isRight({ sums }: Place, { firstChunk }: Span, bytes: Uint8Array): boolean {
  for (let start = 0, chunk = firstChunk; start < bytes.length; start += chunkSize, chunk += 1) {
    if (crc32(bytes.subarray(start, start + chunkSize)) !== sums[chunk]) return false;
  }
  return true;
}

function takeFrom(bytes: Buffer, { from }: Span, target: Uint8Array, start: number): true {
  bytes.copy(target, 0, start - from, start - from + target.length);
  return true;
}
