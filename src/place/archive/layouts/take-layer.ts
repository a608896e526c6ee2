/** Hands one stored layer to the sink: decompresses it on the way, and hashes what was stored. */
import { type DiffId, type Digest, finishDigest, startDigest } from '../../../ground/digest.ts';
import { BundleError } from '../../../ground/errors.ts';
import { decompressAs, findCompression, magicSize, peekStart } from '../decompress.ts';
import type { AddLayerOptions, LayerSink } from '../../../image/image-source.ts';

export interface TakeLayerOptions {
  /** What is read, for messages: `"blobs/sha256/…" in archive "images.tar"`. */
  readonly what: string;
  /** For the sink. */
  readonly layer?: AddLayerOptions;
  readonly signal?: AbortSignal;
}

export interface TakenLayer {
  readonly diffId: DiffId;
  /** Of the bytes as they are stored, compressed or not. */
  readonly storedDigest: Digest;
  /** As in AddedLayer. */
  readonly tarFault?: string | undefined;
}

/** Reads `stored` to its end. Throws what decompressAs and the sink throw. */
export async function takeLayer(
  stored: AsyncIterable<Uint8Array>,
  sink: LayerSink,
  { what, layer, signal }: TakeLayerOptions,
): Promise<TakenLayer> {
  const { start, whole } = await peekStart(stored, magicSize);
  const compression = findCompression(start);
  if (compression === 'none') {
    const { diffId, tarFault } = await sink.addLayer(limitSize(whole, what), layer);
    return { diffId, storedDigest: diffId, tarFault };
  }
  const hash = startDigest();
  const hashed = hashWhile(whole, (chunk) => hash.update(chunk));
  const content = decompressAs(hashed, compression, what, signal && { signal });
  const { diffId, tarFault } = await sink.addLayer(limitSize(content, what), layer);
  while ((await hashed.next()).done !== true); // what follows the compressed data is stored too
  return { diffId, storedDigest: finishDigest(hash), tarFault };
}

/** No layer has so many bytes, and some bytes can be unpacked to any number. */
const largestLayerSize = 2 ** 40;

async function* limitSize(
  content: AsyncIterable<Uint8Array>,
  what: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  let size = 0;
  for await (const chunk of content) {
    size += chunk.length;
    if (size > largestLayerSize) {
      throw new BundleError(
        'archive-unsupported',
        `Cannot read ${what}: it has more than 1 TiB when it is unpacked, which no layer has`,
      );
    }
    yield chunk;
  }
}

async function* hashWhile(
  source: AsyncIterable<Uint8Array>,
  update: (chunk: Uint8Array) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of source) {
    update(chunk);
    yield chunk;
  }
}
