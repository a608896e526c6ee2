/** Opens an archive on disk for looking into: what it is compressed with, and a way through its members. */
import { openDiskFile } from '../file/disk-file.ts';
import { openXzFile } from '../file/open-xz-file.ts';
import type { VirtualFile } from '../file/virtual-file.ts';
import { type Compression, decompress, findCompression, magicSize } from '../sources/decompress.ts';
import { type ByteReader, FileByteReader, StreamByteReader } from '../tar/byte-reader.ts';
import { readXzStructure, type XzStructure } from '../xz/xz-structure.ts';

export interface OpenArchive extends AsyncDisposable {
  readonly path: string;
  readonly size: number;
  readonly compression: Compression;
  /** Of a .xz file. */
  readonly structure: XzStructure | undefined;
  /** Its tar at random access where that is possible, else from the front. */
  browse(): Promise<ByteReader>;
  /** Its tar from the front, every byte of the file read and every check of its compression made. */
  readThrough(options?: ReadThroughOptions): ByteReader;
}

export interface ReadThroughOptions {
  readonly signal?: AbortSignal;
  readonly onRead?: (done: number, total: number) => void;
}

/** Opens the file at `path`. Throws archive-* and, where it is a .xz file of broken structure, xz-*. */
export async function openArchive(path: string): Promise<OpenArchive> {
  const file = await openDiskFile(path);
  const label = `archive "${path}"`;
  try {
    const start = Buffer.alloc(magicSize);
    await file.read(start, 0);
    const compression = findCompression(start);
    const structure = compression === 'xz' ? await readXzStructure(file) : undefined;
    const readThrough = (options: ReadThroughOptions = {}): ByteReader =>
      new StreamByteReader(decompress(countBytes(file, options), label), label);
    return {
      path,
      size: file.size,
      compression,
      structure,
      readThrough,
      async browse() {
        const content = compression === 'xz' ? (await openXzFile(file)).content : file;
        const isRandom = content !== undefined && (compression === 'xz' || compression === 'none');
        return isRandom ? new FileByteReader(content, label) : readThrough();
      },
      [Symbol.asyncDispose]: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function* countBytes(
  file: VirtualFile,
  { signal, onRead }: ReadThroughOptions,
): AsyncGenerator<Uint8Array> {
  let done = 0;
  for await (const chunk of file.stream(signal ? { signal } : {})) {
    yield chunk;
    done += chunk.length;
    onRead?.(done, file.size);
  }
}
