import { describe, expect, it } from 'vitest';
import { createDecodedBlocks } from '../../src/file/decoded-blocks.ts';

/** A decoder that waits for its turn to be given. */
function createDecoder(): {
  readonly decode: (size?: number) => () => Promise<Buffer>;
  readonly started: number;
  finish(): void;
} {
  const waiting: (() => void)[] = [];
  let started = 0;
  return {
    decode:
      (size = 100) =>
      async () => {
        started += 1;
        await new Promise<void>((resolve) => waiting.push(resolve));
        return Buffer.alloc(size, started);
      },
    get started() {
      return started;
    },
    finish() {
      for (const resolve of waiting.splice(0)) resolve();
    },
  };
}

const ready = (size: number) => (): Promise<Buffer> => Promise.resolve(Buffer.alloc(size));

/** Lets all promises settle that can. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('createDecodedBlocks', () => {
  it('decodes a block once for all who want it at once, and not again while it is kept', async () => {
    const blocks = createDecodedBlocks(1000);
    const decoder = createDecoder();
    const wanted = [1, 2, 3].map(() => blocks.get('a', decoder.decode()));
    await settle();
    expect(blocks.find('a')).toBeUndefined();
    decoder.finish();
    const [first, ...others] = await Promise.all(wanted);
    for (const other of others) expect(other).toBe(first);
    expect(await blocks.get('a', decoder.decode())).toBe(first);
    expect(blocks.find('a')).toBe(first);
    expect(decoder.started).toBe(1);
  });

  it('keeps those used last, and no more bytes than it may', async () => {
    const blocks = createDecodedBlocks(250);
    for (const key of ['a', 'b']) await blocks.get(key, ready(100));
    blocks.find('a');
    await blocks.get('c', ready(100));
    expect(['a', 'b', 'c'].map((key) => blocks.find(key) !== undefined)).toEqual([true, false, true]);
    expect((await blocks.get('large', ready(300))).length).toBe(300);
    expect(blocks.find('large')).toBeUndefined();
    expect(blocks.find('c')).toBeDefined();
  });

  it('runs three decoders at once and the others after them, and prefetches with what is free only', async () => {
    const blocks = createDecodedBlocks(10_000);
    const decoder = createDecoder();
    const wanted = [1, 2, 3, 4, 5].map((key) => blocks.get(String(key), decoder.decode()));
    blocks.prefetch('ahead', decoder.decode());
    await settle();
    expect(decoder.started).toBe(3);
    decoder.finish();
    await settle();
    expect(decoder.started).toBe(5);
    blocks.prefetch('ahead', decoder.decode());
    await settle();
    expect(decoder.started).toBe(6);
    decoder.finish();
    await Promise.all(wanted);
    await settle();
    expect(blocks.find('ahead')).toBeDefined();
  });

  it('tells all who wait what went wrong, keeps nothing of it, and goes on', async () => {
    const blocks = createDecodedBlocks(1000);
    const fail = (): Promise<Buffer> => Promise.reject(new Error('damaged'));
    for (let round = 0; round < 4; round++) {
      const results = await Promise.allSettled([blocks.get('a', fail), blocks.get('a', fail)]);
      expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    }
    blocks.prefetch('a', fail);
    await settle();
    expect((await blocks.get('a', ready(10))).length).toBe(10);
  });
});
