/** Finds out how bytes are compressed by how they start, and decompresses them. */
import { decodeXz } from '../../addon/decode-xz.ts';
import { decodeZstd } from '../../addon/decode-zstd.ts';
import { BundleError } from '../../ground/errors.ts';
import { decodeGzip } from './decode-gzip.ts';

export type Compression = 'none' | 'gzip' | 'zstd' | 'xz' | 'bzip2' | 'lz4';

/** How many bytes findCompression looks at. */
export const magicSize = 10;

/** What files start with, in hexadecimal. */
const magics: readonly (readonly [Compression, RegExp])[] = [
  ['gzip', /^1f8b/], // RFC 1952 §2.3.1
  ['zstd', /^(?:28b52ffd|5.2a4d18)/], // RFC 8878 §3.1.1, §3.1.2
  ['xz', /^fd377a585a00/], // .xz 1.2.1 §2.1.1.1
  // BZh, a level, and then pi, or its square root in an empty file: a tar may start with the letters BZh.
  ['bzip2', /^425a683[1-9](?:314159265359|177245385090)/],
  ['lz4', /^04224d18/], // LZ4 Frame Format 1.6
];

export interface DecompressOptions {
  readonly signal?: AbortSignal;
}

/** How the bytes that start with `start` are compressed. */
export function findCompression(start: Uint8Array): Compression {
  const text = Buffer.from(start.subarray(0, magicSize)).toString('hex');
  return magics.find(([, pattern]) => pattern.test(text))?.[0] ?? 'none';
}

/** The content of `source`, however it is compressed. Throws as decompressAs does, where that throws at once too. */
export async function* decompress(
  source: AsyncIterable<Uint8Array>,
  what: string,
  options: DecompressOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const { start, whole } = await peekStart(source, magicSize);
  yield* decompressAs(whole, findCompression(start), what, options);
}

/**
 * The content of `source`, in chunks that are the receiver's to keep; `what` names it in messages. Throws
 * archive-unsupported at once for bzip2 and lz4; archive-corrupt, archive-truncated or xz-* while it is read, possibly
 * after right content.
 */
export function decompressAs(
  source: AsyncIterable<Uint8Array>,
  compression: Compression,
  what: string,
  { signal }: DecompressOptions = {},
): AsyncIterable<Uint8Array> {
  switch (compression) {
    case 'none':
      return source;
    case 'gzip':
      return decodeGzip(source, what);
    case 'zstd':
      return decodeZstd(source, what, signal === undefined ? {} : { signal });
    case 'xz':
      return decodeXz(source, signal === undefined ? {} : { signal });
    case 'bzip2':
    case 'lz4':
      throw new BundleError(
        'archive-unsupported',
        `Cannot read ${what}: it is compressed with ${compression}, and gzip, xz, zstd or none were expected`,
        { hint: `Decompress it first: ${compression} -dc FILE | bundlefs ... --from -` },
      );
  }
}

export interface PeekedStream {
  /** The first bytes: as many as were asked for, or all there are. */
  readonly start: Uint8Array;
  /** The stream from its first byte on. */
  readonly whole: AsyncIterable<Uint8Array>;
}

/** Reads at least `size` bytes of `source`, fewer where it ends before. */
export async function peekStart(source: AsyncIterable<Uint8Array>, size: number): Promise<PeekedStream> {
  const iterator = source[Symbol.asyncIterator]();
  const chunks: Uint8Array[] = [];
  for (let length = 0; length < size;) {
    const next = await iterator.next();
    if (next.done === true) break;
    chunks.push(next.value);
    length += next.value.length;
  }
  return { start: Buffer.concat(chunks).subarray(0, size), whole: resume(chunks, iterator) };
}

async function* resume(
  chunks: readonly Uint8Array[],
  iterator: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* chunks;
    for (;;) {
      const next = await iterator.next();
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    await iterator.return?.();
  }
}
