/** Reads a virtual file that is made of runs of other files and of memory, natively: no JavaScript for each run. */
import { type Digest, hexOf, isDigest } from '../ground/digest.ts';
import { BundleError } from '../ground/errors.ts';
import { createErrnoError } from './errno-name.ts';
import { loadAddon } from './load-addon.ts';
import type { RawExtentTable, RawReadFailure } from './raw-addon.ts';

/** A file that extents lie in. What is behind its first `size` bytes is left alone. */
export interface ExtentFile {
  readonly path: string;
  /** Bytes that must be there, from the start of the file. */
  readonly size: number;
  /** sha256 of those bytes. */
  readonly digest: Digest;
  /** CRC64 of those bytes, 16 hex digits. */
  readonly crc64: string;
  /** A stamp of the file (see stampFiles) at which its bytes are known to have had the digest. */
  readonly stamp?: string | undefined;
}

/** `length` bytes of the virtual file from `start` on, and where they are. */
export interface ExtentInput {
  readonly start: number;
  readonly length: number;
  readonly source:
    | { readonly kind: 'memory'; readonly bytes: Uint8Array }
    /** `file` is an index into the files, `position` where in it the extent begins. */
    | { readonly kind: 'file'; readonly file: number; readonly position: number };
}

export interface ExtentReaderOptions {
  /** Files that this reader keeps open at most; without it, it shares a budget of 4096 with all others of the process. */
  readonly openFileLimit?: number;
}

/** A reader's table, held for one open file of a mount; see registerReadModule. */
export interface ReadHandle {
  /** The number that libfuse knows the open file by: 2^30 to 2^31 - 1, nobody else's in this process. */
  readonly number: number;
  /** Lets go of the table. For when the open file has been released. */
  close(): void;
}

/** Stands for memory where an index of a file is expected. */
const memoryFile = 0xffffffff;

/**
 * A file of the table is opened when it is first read, through no link, and its digest is verified before a byte of it
 * is given out; so is that of another file which is found at its path later. Of a file that still has its stamp, the
 * CRC64 is: disks forget, but nobody has exchanged its bytes. What fails once is looked at again the next time.
 */
export class ExtentReader implements AsyncDisposable {
  readonly size: number;
  readonly #files: readonly ExtentFile[];
  readonly #table: RawExtentTable;
  readonly #underWay = new Set<Promise<unknown>>();
  #isClosed = false;

  /**
   * `extents` are sorted and without gaps, from 0 on; memory and lists are copied. Opens nothing. Throws RangeError
   * where an extent does not follow the last one or lies outside its source.
   */
  constructor(
    files: readonly ExtentFile[],
    extents: readonly ExtentInput[],
    { openFileLimit }: ExtentReaderOptions = {},
  ) {
    if (openFileLimit !== undefined && !(Number.isInteger(openFileLimit) && openFileLimit > 0)) {
      throw new RangeError(`openFileLimit is ${openFileLimit}, and must be at least 1`);
    }
    for (const file of files) checkFile(file);
    const starts = new Float64Array(extents.length + 1);
    const extentFiles = new Uint32Array(extents.length);
    const positions = new Float64Array(extents.length);
    const memory: Uint8Array[] = [];
    let size = 0;
    let memorySize = 0;
    for (const [index, extent] of extents.entries()) {
      checkExtent(extent, size, files);
      const { source } = extent;
      starts[index] = extent.start;
      extentFiles[index] = source.kind === 'memory' ? memoryFile : source.file;
      positions[index] = source.kind === 'memory' ? memorySize : source.position;
      if (source.kind === 'memory') {
        memory.push(source.bytes);
        memorySize += source.bytes.length;
      }
      size += extent.length;
    }
    starts[extents.length] = size;
    this.size = size;
    this.#files = files;
    this.#table = new (loadAddon().ExtentTable)(
      files.map(({ path }) => path),
      Float64Array.from(files, (file) => file.size),
      BigUint64Array.from(files, ({ crc64 }) => BigInt(`0x${crc64}`)),
      Buffer.from(files.map(({ digest }) => hexOf(digest)).join(''), 'hex'),
      files.map(({ stamp = '' }) => stamp),
      starts,
      extentFiles,
      positions,
      Buffer.concat(memory),
      openFileLimit ?? 0,
    );
  }

  /**
   * Fills `target` from `position` on, on libuv's pool: the count of bytes, fewer than asked only at the end. `target`
   * is this reader's until the promise settles. Throws block-missing, block-corrupt (both with `path`) or cache-failed.
   */
  async read(target: Uint8Array, position: number): Promise<number> {
    this.#checkRead(position);
    const read = this.#table.read(target, position);
    this.#underWay.add(read);
    try {
      const result = await read;
      if (typeof result === 'number') return result;
      throw this.#createError(result);
    } finally {
      this.#underWay.delete(read);
    }
  }

  /**
   * Does the same at once, on this thread, where all that is asked for is open, verified and in memory; otherwise
   * returns undefined, and leaves `target` with anything in it.
   */
  tryRead(target: Uint8Array, position: number): number | undefined {
    this.#checkRead(position);
    return this.#table.tryRead(target, position);
  }

  /** A handle by which the read module reads the same bytes, after this reader is closed too. */
  openHandle(): ReadHandle {
    if (this.#isClosed) throw new TypeError('This ExtentReader is closed');
    const number = this.#table.openHandle();
    return {
      number,
      close: () => {
        loadAddon().closeReadHandle(number);
      },
    };
  }

  /** Waits for the reads under way and gives back the files. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await Promise.allSettled(this.#underWay);
    this.#table.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #checkRead(position: number): void {
    if (this.#isClosed) throw new TypeError('This ExtentReader is closed');
    if (!Number.isSafeInteger(position) || position < 0) {
      throw new RangeError(`There can be no byte at ${position}`);
    }
  }

  #createError({ kind, file, errno }: RawReadFailure): BundleError {
    const path = this.#files[file]?.path ?? '';
    switch (kind) {
      case 'missing':
        return new BundleError('block-missing', `Cannot read "${path}": there is no such file`, { path });
      case 'corrupt':
        return new BundleError(
          'block-corrupt',
          `Cannot read "${path}": its bytes are not the ones that were stored`,
          { path },
        );
      case 'failed': {
        const cause = createErrnoError(errno, 'read', path);
        const found = cause.code === 'ELOOP' ? 'it is no regular file, or a link leads to it' : cause.code;
        return new BundleError('cache-failed', `Cannot read "${path}": ${found}`, { path, cause });
      }
    }
  }
}

function checkFile({ path, size, crc64, digest }: ExtentFile): void {
  if (!isSize(size)) throw new RangeError(`The size of "${path}" is ${size}, which no file can have`);
  if (!/^[0-9a-f]{16}$/.test(crc64))
    throw new TypeError(`The CRC64 of "${path}" is "${crc64}", not 16 hex digits`);
  if (!isDigest(digest)) throw new TypeError(`The digest of "${path}" is "${String(digest)}"`);
}

function checkExtent(
  { start, length, source }: ExtentInput,
  end: number,
  files: readonly ExtentFile[],
): void {
  if (start !== end)
    throw new RangeError(`An extent begins at ${start}, but the one before it ends at ${end}`);
  if (!isSize(length) || !isSize(start + length)) {
    throw new RangeError(`The extent at ${start} has a length of ${length}`);
  }
  if (source.kind === 'memory') {
    if (source.bytes.length === length) return;
    throw new RangeError(`The extent at ${start} has ${source.bytes.length} bytes for a length of ${length}`);
  }
  const file = files[source.file];
  if (file === undefined)
    throw new RangeError(`The extent at ${start} names file ${source.file} of ${files.length}`);
  if (isSize(source.position) && source.position + length <= file.size) return;
  throw new RangeError(`The extent at ${start} ends outside of the ${file.size} bytes of "${file.path}"`);
}

function isSize(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
