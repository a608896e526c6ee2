/** What the native addon exports, as it is: arguments are trusted there, so only the files of this folder may call it. */

import type { GearScan } from '../plan/cut/piece-cutter.ts';

export interface RawAddon {
  /** lzma_version_string. */
  liblzmaVersion(): string;
  /** 16 hex digits. */
  crc64(bytes: Uint8Array): string;
  /** Bytes for `preset`, which is 0 to 9 with the extreme flag or without. */
  /** Queues a block and returns the request's number. `onDone` is called once, later. */
  startEncode(
    content: Uint8Array,
    preset: number,
    check: number,
    onDone: (status: number, bytes: Buffer, unpaddedSize: number, crc64: string) => void,
  ): number;
  /** Makes `onDone` of that request be called soon. One that is done already is ignored. */
  cancelEncode(request: number): void;
  /** Fills `content` exactly; settles to a lzma_ret. */
  decodeBlock(block: Uint8Array, check: number, content: Uint8Array): Promise<number>;
  /** ZSTD_versionString. */
  libzstdVersion(): string;
  /** Text for a ZSTD_ErrorCode. */
  zstdErrorText(code: number): string;
  /** Queues a frame, as startEncode does a block; `size` is that of `bytes`. Status is a lzma_ret. */
  startFrame(
    content: Uint8Array,
    level: number,
    onDone: (status: number, bytes: Buffer, size: number, crc64: string) => void,
  ): number;
  /** Fills `content` exactly; settles to 0 or a ZSTD_ErrorCode. */
  decodeFrame(frame: Uint8Array, content: Uint8Array): Promise<number>;
  /** See GearScan. Bounds and the table's 256 entries are trusted. */
  readonly scanGear: GearScan;
  /** A descriptor of the absolute path, in which no link is followed, or a negative errno. */
  openWithoutLinks(path: string, flags: number): number;
  /** For each absolute path its stamp, nothing where there is no regular file of that size, or an errno. */
  stampFiles(paths: readonly string[], sizes: Float64Array): (string | number | undefined)[];
  /** flock with LOCK_NB: 0 or an errno. */
  lockFile(fd: number, isExclusive: boolean): number;
  /** Bytes at an address that is a multiple of `alignment`, a power of two from 8 up; they are freed with the buffer. */
  allocateAligned(size: number, alignment: number): Buffer;
  /** posix_fadvise with POSIX_FADV_DONTNEED for all of the file: 0 or an errno. */
  dropFileCache(fd: number): number;
  /** preadv2 with RWF_NOWAIT: a count of bytes, or a negative errno. */
  readAtHand(fd: number, target: Uint8Array, position: number): number;
  /** Sends one datagram to a Unix socket, whose path may begin with `@` for the abstract namespace: 0 or an errno. */
  notifyService(path: string, message: string): number;
  /** Makes the read module known to libfuse; what stands in the way, as the rest of a sentence, or undefined. */
  registerReadModule(): string | undefined;
  /** Ends what RawExtentTable.openHandle began. */
  closeReadHandle(handle: number): void;
  readonly StreamDecoder: new (threads: number, threadingMemory: number, memory: number) => RawStreamDecoder;
  readonly FrameStreamDecoder: new () => RawStreamDecoder;
  /** `digests` has 32 bytes and `stamps` a text, perhaps empty, for each file; `starts` has one entry more than there are extents: the size. `openFileLimit` 0 is the process's shared budget. */
  readonly ExtentTable: new (
    paths: readonly string[],
    sizes: Float64Array,
    crc64s: BigUint64Array,
    digests: Uint8Array,
    stamps: readonly string[],
    starts: Float64Array,
    extentFiles: Uint32Array,
    positions: Float64Array,
    memory: Uint8Array,
    openFileLimit: number,
  ) => RawExtentTable;
}

export interface RawStreamDecoder {
  /** One step, on libuv's pool; the next one only when this has settled. Settles to [status, consumed,
   * produced]; 0: there is more to do, 1: all is done; else a lzma_ret, or of frames 2 (they end early) or minus a
   * ZSTD_ErrorCode. */
  step(input: Uint8Array, isLast: boolean, output: Uint8Array): Promise<[number, number, number]>;
  /** Frees the decoder's memory; no step may be under way. */
  close(): void;
}

export interface RawExtentTable {
  /** On libuv's pool: a count of bytes, or what went wrong. */
  read(target: Uint8Array, position: number): Promise<number | RawReadFailure>;
  /** On this thread: a count of bytes, or undefined where the bytes are not at hand. */
  tryRead(target: Uint8Array, position: number): number | undefined;
  /** A number, 2^30 to 2^31 - 1, by which the read module finds the table; it keeps it until closeReadHandle. */
  openHandle(): number;
  /** Lets go of the table; reads under way keep it until they are done, and handles until they are closed. */
  close(): void;
}

export interface RawReadFailure {
  readonly kind: 'missing' | 'corrupt' | 'failed';
  /** The index of the file at fault. */
  readonly file: number;
  /** A positive errno, or 0. */
  readonly errno: number;
}
