/** Opens an archive on disk for looking into: what it is compressed with, and its members. */
import { BundleError } from '../../ground/errors.ts';
import { openDiskFile } from '../../file/disk-file.ts';
import { openXzFile } from './open-xz-file.ts';
import { readFully } from '../../file/read-chunks.ts';
import { type Compression, decompress, findCompression, magicSize } from './decompress.ts';
import { explainingDamage } from './explain-damage.ts';
import { passTar } from './passed-table.ts';
import { indexTar } from './tar-table.ts';
import type { MemberTable } from './layouts/member-table.ts';
import { refuseDocument } from './refuse-document.ts';
import { watchStream } from './watch-stream.ts';
import { readXzStructure, type XzStructure } from '../../format/xz/xz-structure.ts';
import { createHashSink } from './hash-sink.ts';

export interface OpenArchive extends AsyncDisposable {
  /** For messages. */
  readonly label: string;
  readonly size: number;
  readonly compression: Compression;
  /** Of a .xz file. */
  readonly structure: XzStructure | undefined;
  /** Its members, at random access where that is possible: then nothing but headers is read for it. */
  browse(options?: ReadArchiveOptions): Promise<MemberTable>;
  /** Its members, every one hashed: all of the file is read, and every check of its compression made. */
  readThrough(options?: ReadArchiveOptions): Promise<MemberTable>;
}

export interface ReadArchiveOptions {
  readonly signal?: AbortSignal;
  /** Bytes of the file read so far, and all there are. */
  readonly onRead?: (done: number, total: number) => void;
}

/** What docs/format.md calls parts. */
const partPattern = /\.tar\.xz\.\d{3,}$/;

/** Opens the file at `path`. Throws archive-* and, where it is a .xz file of broken structure, xz-*. */
export async function openArchive(path: string): Promise<OpenArchive> {
  if (partPattern.test(path)) {
    throw new BundleError('archive-unsupported', `Cannot read "${path}": it is one part of a split bundle`, {
      hint: 'All parts together are checked by verify.sh, which lies beside them: sh verify.sh',
    });
  }
  const file = await openDiskFile(path);
  const label = `archive "${path}"`;
  const readThrough = ({ signal, onRead }: ReadArchiveOptions = {}): Promise<MemberTable> => {
    const options = signal ? { signal } : {};
    const watched = watchStream(file.stream(options), {
      ...options,
      onRead: (done) => onRead?.(done, file.size),
    });
    return explainingDamage(file, () =>
      passTar(decompress(watched, label, options), createHashSink(), { label, ...options }),
    );
  };
  try {
    refuseDocument(path);
    const start = Buffer.alloc(Math.min(magicSize, file.size));
    await readFully(file, start, 0);
    const compression = findCompression(start);
    return {
      label,
      size: file.size,
      compression,
      structure: compression === 'xz' ? await explainingDamage(file, () => readXzStructure(file)) : undefined,
      readThrough,
      async browse(options) {
        const content = compression === 'xz' ? (await openXzFile(file)).content : file;
        const isRandom = content !== undefined && (compression === 'xz' || compression === 'none');
        if (!isRandom) return readThrough(options);
        return indexTar(content, { label, signal: options?.signal && options.signal });
      },
      [Symbol.asyncDispose]: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}
