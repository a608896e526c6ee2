/** The decoded blocks used last, within a budget of bytes; one that several readers want is decoded once. */
import { LRUCache } from 'lru-cache';

/** Decodings at once: one less than libuv has threads, so that reads of what is at hand do not wait behind them. */
const decodingCount = 3;

export type Decode = () => Promise<Buffer>;

/** Content by a key that only equal content has. It is shared between readers, and nobody may change it. */
export interface DecodedBlocks {
  /** The content where it is at hand. */
  find(key: string): Buffer | undefined;
  /** The content, made by `decode` where it is not at hand. What `decode` throws is thrown to all who wait for it. */
  get(key: string, decode: Decode): Promise<Buffer>;
  /** Has the content made where it is not at hand and nobody else waits for a decoder. */
  prefetch(key: string, decode: Decode): void;
}

/**
 * Keeps `size` bytes of content; what is being decoded or is still held by a reader comes on top of that. A block larger
 * than `size` is not kept at all.
 */
export function createDecodedBlocks(size: number): DecodedBlocks {
  const kept = new LRUCache<string, Buffer>({ maxSize: size, sizeCalculation: (content) => content.length });
  const underWay = new Map<string, Promise<Buffer>>();
  const waiting: (() => void)[] = [];
  let freeCount = decodingCount;

  const run = async (decode: Decode): Promise<Buffer> => {
    if (freeCount > 0) freeCount -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await decode();
    } finally {
      const next = waiting.shift();
      if (next === undefined) freeCount += 1;
      else next();
    }
  };
  const start = (key: string, decode: Decode): Promise<Buffer> => {
    const content = run(decode)
      .then((bytes) => {
        if (bytes.length > 0) kept.set(key, bytes);
        return bytes;
      })
      .finally(() => underWay.delete(key));
    underWay.set(key, content);
    return content;
  };
  return {
    find: (key) => kept.get(key),
    async get(key, decode) {
      return kept.get(key) ?? underWay.get(key) ?? start(key, decode);
    },
    prefetch(key, decode) {
      if (freeCount === 0 || kept.has(key) || underWay.has(key)) return;
      start(key, decode).catch(() => undefined); // whoever comes to read it is told
    },
  };
}
