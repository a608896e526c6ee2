/** The decoded blocks used last: in memory, and behind that in a spill; one that several readers want is decoded once. */
import { LRUCache } from 'lru-cache';
import { type Grow, growContent, type GrowingContent } from './growing-content.ts';
import type { Spill } from './spill.ts';

/** Decodings at once: one less than libuv has threads, so that reads of what is at hand do not wait behind them. */
const decodingCount = 3;

/** Makes the content of a block, and may tell how far it has come: what it told is read before it is done. */
export type Decode = (grow: Grow) => Promise<Buffer>;

/** Content by a key that only equal content has. `start` and the length of `target` must lie within it. */
export interface DecodedBlocks {
  /** Fills `target` from `start` of the content on, where it is at hand; otherwise returns false. */
  tryRead(key: string, target: Uint8Array, start: number): boolean;
  /**
   * Fills `target`, with what `decode` makes where the content is nowhere. What `decode` throws is thrown to all who
   * wait for bytes that it did not come to.
   */
  read(key: string, target: Uint8Array, start: number, decode: Decode): Promise<void>;
  /** Has the content made where it is not there and nobody else waits for a decoder. */
  prefetch(key: string, decode: Decode): void;
}

export interface DecodedBlocksOptions {
  /** Where content goes for which memory has no room any more; it belongs to the caller. */
  readonly spill?: Spill;
}

/**
 * Keeps `size` bytes of content in memory; what is being decoded or on its way into the spill comes on top of that. A
 * block larger than `size` is not kept in memory at all.
 */
export function createDecodedBlocks(size: number, { spill }: DecodedBlocksOptions = {}): DecodedBlocks {
  const kept = new LRUCache<string, Buffer>({
    maxSize: size,
    sizeCalculation: (content) => content.length,
    dispose: (content, key, reason) => {
      if (reason === 'evict') spill?.put(key, content);
    },
  });
  const underWay = new Map<string, GrowingContent>();
  const waiting: (() => void)[] = [];
  let freeCount = decodingCount;

  const run = async (decode: Decode, grow: Grow): Promise<Buffer> => {
    if (freeCount > 0) freeCount -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await decode(grow);
    } finally {
      const next = waiting.shift();
      if (next === undefined) freeCount += 1;
      else next();
    }
  };
  const start = (key: string, decode: Decode): GrowingContent => {
    const content = growContent((grow) => run(decode, grow));
    underWay.set(key, content);
    content.whole
      .then((bytes) => {
        if (bytes.length > size) spill?.put(key, bytes);
        else if (bytes.length > 0) kept.set(key, bytes);
      })
      .catch(() => undefined) // whoever waits, or comes to read it, is told
      .finally(() => underWay.delete(key));
    return content;
  };
  const readDecoded = async (
    key: string,
    target: Uint8Array,
    position: number,
    decode: Decode,
  ): Promise<void> => {
    const content = underWay.get(key) ?? start(key, decode);
    copy(await content.wait(position + target.length), target, position);
  };
  const blocks: DecodedBlocks = {
    tryRead(key, target, position) {
      const content = kept.get(key) ?? underWay.get(key)?.find(position + target.length);
      if (content === undefined) return spill?.tryRead(key, target, position) ?? false;
      copy(content, target, position);
      return true;
    },
    async read(key, target, position, decode) {
      if (blocks.tryRead(key, target, position)) return;
      if (!underWay.has(key) && spill?.has(key) === true) {
        if (await spill.read(key, target, position)) return;
        if (blocks.tryRead(key, target, position)) return; // somebody has decoded it meanwhile
      }
      await readDecoded(key, target, position, decode);
    },
    prefetch(key, decode) {
      if (freeCount === 0 || kept.has(key) || underWay.has(key) || spill?.has(key) === true) return;
      start(key, decode);
    },
  };
  return blocks;
}

function copy(content: Buffer, target: Uint8Array, start: number): void {
  content.copy(target, 0, start, start + target.length);
}
