/** Reading bytes front to back from a stream or a file: what walkTar goes by. */
import { BundleError } from '../../ground/errors.ts';
import { findEngineError } from './engine-error.ts';

/** Reads front to back. One call at a time: the next one only when the last has been awaited. */
export interface ByteReader {
  /** What is read, for messages: `archive "images.tar"`. */
  readonly label: string;
  /** Bytes read or skipped so far. */
  readonly position: number;
  /** Exactly `length` bytes, the receiver's to keep; undefined at a clean end. Throws archive-truncated in the middle. */
  read(length: number): Promise<Uint8Array | undefined>;
  /** Passes over `length` bytes. Throws archive-truncated where there are fewer. */
  skip(length: number): Promise<void>;
  /** The same, but fewer bytes are fewer: for padding that may be missing at the end. */
  skipAtMost(length: number): Promise<void>;
  /** The next `length` bytes in chunks, the receiver's to keep. Throws archive-truncated where there are fewer. */
  stream(length: number): AsyncIterable<Uint8Array>;
  /** All bytes that are left, in chunks. */
  rest(): AsyncIterable<Uint8Array>;
  /** The last bytes before the end, at most `tailSize`. Only after the end has been met. */
  tail(): Promise<Uint8Array>;
  /** Tells a stream that nothing more is read of it. A file stays open: it is its owner's to close. */
  close(): Promise<void>;
}

/** What FileByteReader needs of a VirtualFile. */
export interface ReadableFile {
  readonly size: number;
  read(target: Uint8Array, position: number): Promise<number>;
}

/** Bytes that a reader remembers of the end, to find out why the writer stopped. */
export const tailSize = 64 * 1024;

const chunkSize = 1024 * 1024;

/**
 * The error for bytes that end too early, where `wanted` says inside of what: source-failed where the engine left its
 * own error there (see engine-error.ts), archive-truncated otherwise.
 */
export async function endedEarly(reader: ByteReader, wanted: string): Promise<BundleError> {
  const reason = findEngineError(await reader.tail());
  if (reason !== undefined) return engineFailed(reader.label, reason);
  return new BundleError(
    'archive-truncated',
    `Cannot read ${reader.label}: it ends early, ${wanted} wanted at byte ${reader.position}`,
    { hint: 'What wrote it did not finish, or the copy is not whole. Save or copy it again.' },
  );
}

/** The error for an engine that said `reason` in the middle of an export. */
export function engineFailed(label: string, reason: string): BundleError {
  return new BundleError('source-failed', `Cannot read ${label}: the engine stopped with "${reason}"`);
}

/** A reader of a stream, whose chunks must be the receiver's to keep. Skipping reads and drops. */
export class StreamByteReader implements ByteReader {
  readonly label: string;
  readonly #source: AsyncIterator<Uint8Array>;
  #unread: Uint8Array = new Uint8Array(0);
  /** The last chunks: as few as have `tailSize` bytes. */
  readonly #last: Uint8Array[] = [];
  #lastSize = 0;
  #position = 0;

  constructor(source: AsyncIterable<Uint8Array>, label: string) {
    this.label = label;
    this.#source = source[Symbol.asyncIterator]();
  }

  get position(): number {
    return this.#position;
  }

  async read(length: number): Promise<Uint8Array | undefined> {
    const parts: Uint8Array[] = [];
    let missing = length;
    while (missing > 0) {
      const part = await this.#take(missing);
      if (part === undefined && missing === length) return undefined;
      if (part === undefined) throw await endedEarly(this, `${missing} more bytes`);
      parts.push(part);
      missing -= part.length;
    }
    const [first] = parts;
    return first !== undefined && parts.length === 1 ? first : Buffer.concat(parts);
  }

  async skip(length: number): Promise<void> {
    let missing = length;
    while (missing > 0) {
      const part = await this.#take(missing);
      if (part === undefined) throw await endedEarly(this, `${missing} more bytes`);
      missing -= part.length;
    }
  }

  async skipAtMost(length: number): Promise<void> {
    let missing = length;
    while (missing > 0) {
      const part = await this.#take(missing);
      if (part === undefined) return;
      missing -= part.length;
    }
  }

  async *stream(length: number): AsyncGenerator<Uint8Array> {
    let missing = length;
    while (missing > 0) {
      const part = await this.#take(missing);
      if (part === undefined) throw await endedEarly(this, `${missing} more bytes`);
      missing -= part.length;
      yield part;
    }
  }

  async *rest(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const part = await this.#take(Infinity);
      if (part === undefined) return;
      yield part;
    }
  }

  tail(): Promise<Uint8Array> {
    return Promise.resolve(Buffer.concat(this.#last).subarray(-tailSize));
  }

  async close(): Promise<void> {
    await this.#source.return?.();
  }

  /** At most `limit` bytes and at least one, or undefined at the end. */
  async #take(limit: number): Promise<Uint8Array | undefined> {
    while (this.#unread.length === 0) {
      const next = await this.#source.next();
      if (next.done === true) return undefined;
      this.#unread = next.value;
      this.#keepTail(next.value);
    }
    const part = this.#unread.subarray(0, limit);
    this.#unread = this.#unread.subarray(part.length);
    this.#position += part.length;
    return part;
  }

  #keepTail(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#last.push(chunk);
    this.#lastSize += chunk.length;
    for (;;) {
      const firstSize = this.#last[0]?.length ?? 0;
      if (this.#last.length < 2 || this.#lastSize - firstSize < tailSize) return;
      this.#last.shift();
      this.#lastSize -= firstSize;
    }
  }
}

/** A reader of a file at random access. Skipping reads nothing. Does not own the file. */
export class FileByteReader implements ByteReader {
  readonly label: string;
  readonly #file: ReadableFile;
  #position = 0;

  constructor(file: ReadableFile, label: string) {
    this.label = label;
    this.#file = file;
  }

  get position(): number {
    return this.#position;
  }

  async read(length: number): Promise<Uint8Array | undefined> {
    if (this.#left === 0 && length > 0) return undefined;
    await this.#demand(length);
    return this.#readAhead(length);
  }

  async skip(length: number): Promise<void> {
    await this.#demand(length);
    this.#position += length;
  }

  skipAtMost(length: number): Promise<void> {
    this.#position += Math.min(length, this.#left);
    return Promise.resolve();
  }

  async *stream(length: number): AsyncGenerator<Uint8Array> {
    await this.#demand(length);
    let missing = length;
    while (missing > 0) {
      const part = await this.#readAhead(Math.min(missing, chunkSize));
      missing -= part.length;
      yield part;
    }
  }

  async *rest(): AsyncGenerator<Uint8Array> {
    while (this.#left > 0) yield await this.#readAhead(Math.min(this.#left, chunkSize));
  }

  async tail(): Promise<Uint8Array> {
    const target = Buffer.alloc(Math.min(tailSize, this.#file.size));
    return target.subarray(0, await this.#fill(target, this.#file.size - target.length));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  get #left(): number {
    return this.#file.size - this.#position;
  }

  /** Checked before anything is allocated or skipped, for `length` may be a hostile header's word. */
  async #demand(length: number): Promise<void> {
    if (length > this.#left) throw await endedEarly(this, `${length - this.#left} bytes beyond the end`);
  }

  async #readAhead(length: number): Promise<Uint8Array> {
    const target = Buffer.allocUnsafeSlow(length);
    const done = await this.#fill(target, this.#position);
    if (done < length) throw await endedEarly(this, `${length - done} more bytes`);
    this.#position += length;
    return target;
  }

  /** Returns how many bytes there were. */
  async #fill(target: Uint8Array, position: number): Promise<number> {
    let done = 0;
    while (done < target.length) {
      const count = await this.#file.read(target.subarray(done), position + done);
      if (count === 0) break;
      done += count;
    }
    return done;
  }
}
