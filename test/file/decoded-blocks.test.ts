import { describe, expect, it, onTestFinished } from 'vitest';
import { createDecodedBlocks, type Decode, type DecodedBlocks } from '../../src/file/decoded-blocks.ts';
import type { Grow } from '../../src/file/growing-content.ts';
import { createSpill } from '../../src/file/spill.ts';
import { makeTempFolder } from '../support/temp-folder.ts';

/** A decoder that waits for its turn to be given; each content is filled with the number of its start. */
function createDecoder(): {
  readonly decode: (size?: number) => Decode;
  readonly started: number;
  /** How far each has come. */
  readonly grows: Grow[];
  finish(): void;
} {
  const waiting: (() => void)[] = [];
  const grows: Grow[] = [];
  let started = 0;
  return {
    grows,
    decode:
      (size = 100) =>
      async (grow) => {
        started += 1;
        const number = started;
        grows.push(grow);
        await new Promise<void>((resolve) => waiting.push(resolve));
        return Buffer.alloc(size, number);
      },
    get started() {
      return started;
    },
    finish() {
      for (const resolve of waiting.splice(0)) resolve();
    },
  };
}

const ready =
  (size: number, fill = 0): Decode =>
  () =>
    Promise.resolve(Buffer.alloc(size, fill));
const fail: Decode = () => Promise.reject(new Error('damaged'));

/** The first byte of `key`, or undefined where it is not at hand. */
function find(blocks: DecodedBlocks, key: string): number | undefined {
  const target = Buffer.alloc(1);
  return blocks.tryRead(key, target, 0) ? target[0] : undefined;
}

async function read(
  blocks: DecodedBlocks,
  key: string,
  decode: Decode,
  start = 0,
): Promise<number | undefined> {
  const target = Buffer.alloc(1);
  await blocks.read(key, target, start, decode);
  return target[0];
}

/** Lets all promises settle that can. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('createDecodedBlocks', () => {
  it('decodes a block once for all who want it at once, and not again while it is kept', async () => {
    const blocks = createDecodedBlocks(1000);
    const decoder = createDecoder();
    const wanted = [1, 2, 3].map((start) => read(blocks, 'a', decoder.decode(), start));
    await settle();
    expect(find(blocks, 'a')).toBeUndefined();
    decoder.finish();
    expect(await Promise.all(wanted)).toEqual([1, 1, 1]);
    expect(await read(blocks, 'a', decoder.decode())).toBe(1);
    expect(find(blocks, 'a')).toBe(1);
    expect(decoder.started).toBe(1);
  });

  it('keeps those used last, and no more bytes than it may', async () => {
    const blocks = createDecodedBlocks(250);
    for (const key of ['a', 'b']) await read(blocks, key, ready(100));
    find(blocks, 'a');
    await read(blocks, 'c', ready(100));
    expect(['a', 'b', 'c'].map((key) => find(blocks, key))).toEqual([0, undefined, 0]);
    expect(await read(blocks, 'large', ready(300, 7), 299)).toBe(7);
    await settle();
    expect(find(blocks, 'large')).toBeUndefined();
    expect(find(blocks, 'c')).toBe(0);
  });

  it('runs three decoders at once and the others after them, and prefetches with what is free only', async () => {
    const blocks = createDecodedBlocks(10_000);
    const decoder = createDecoder();
    const wanted = [1, 2, 3, 4, 5].map((key) => read(blocks, String(key), decoder.decode()));
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
    expect(find(blocks, 'ahead')).toBe(6);
  });

  it('answers each reader when its bytes are there, not when all are', async () => {
    const blocks = createDecodedBlocks(1000);
    const decoder = createDecoder();
    const early = read(blocks, 'a', decoder.decode(), 9);
    let isLateAnswered = false;
    const late = read(blocks, 'a', decoder.decode(), 10).then((byte) => {
      isLateAnswered = true;
      return byte;
    });
    await settle();
    decoder.grows[0]?.(Buffer.alloc(100, 5), 10);
    expect(await early).toBe(5);
    expect(find(blocks, 'a')).toBe(5);
    await settle();
    expect(isLateAnswered).toBe(false);
    expect(blocks.tryRead('a', Buffer.alloc(2), 9)).toBe(false);
    decoder.finish();
    expect(await late).toBe(1);
    expect(decoder.started).toBe(1);
  });

  it('tells all who wait what went wrong, keeps nothing of it, and goes on', async () => {
    const blocks = createDecodedBlocks(1000);
    for (let round = 0; round < 4; round++) {
      const results = await Promise.allSettled([read(blocks, 'a', fail), read(blocks, 'a', fail)]);
      expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    }
    blocks.prefetch('a', fail);
    await settle();
    expect(await read(blocks, 'a', ready(10, 3))).toBe(3);
  });

  it('tells those only who wait for what was not decoded', async () => {
    const blocks = createDecodedBlocks(1000);
    let breakOff: (error: Error) => void = () => undefined;
    const decode: Decode = (grow) => {
      grow(Buffer.alloc(100, 4), 50);
      return new Promise((_, reject) => {
        breakOff = reject;
      });
    };
    const wanted = [0, 49, 50].map((start) => read(blocks, 'a', decode, start));
    const results = Promise.allSettled(wanted);
    await settle();
    breakOff(new Error('damaged'));
    expect((await results).map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    expect(find(blocks, 'a')).toBeUndefined();
  });

  it('reads from the spill what memory has no room for, and decodes it no second time', async () => {
    await using spill = createSpill({ folder: await makeTempFolder(), limit: () => 10_000 });
    const blocks = createDecodedBlocks(250, { spill });
    const decoder = createDecoder();
    for (const key of ['a', 'b', 'c', 'd']) {
      const wanted = read(blocks, key, decoder.decode());
      await settle();
      decoder.finish();
      await wanted;
      await settle();
    }
    await spill.settle();
    expect(spill.usedSize).toBe(200);
    const found: (number | undefined)[] = [];
    for (const key of ['a', 'b', 'c', 'd']) found.push(await read(blocks, key, decoder.decode()));
    expect(found).toEqual([1, 2, 3, 4]);
    blocks.prefetch('a', decoder.decode());
    await settle();
    expect(decoder.started).toBe(4);
    await read(blocks, 'large', ready(300, 7));
    await settle();
    await spill.settle();
    expect(await read(blocks, 'large', fail, 299)).toBe(7);
  });

  it('decodes again, once for all, what the spill does not give back', async () => {
    const folder = await makeTempFolder();
    let allowed = 10_000;
    const spill = createSpill({ folder, limit: () => allowed });
    onTestFinished(() => spill[Symbol.asyncDispose]());
    const blocks = createDecodedBlocks(100, { spill });
    for (const key of ['a', 'b']) await read(blocks, key, ready(100));
    await spill.settle();
    allowed = 100; // the next block takes the place of those before it
    await read(blocks, 'c', ready(100));
    await spill.settle();
    const decoder = createDecoder();
    const wanted = [1, 2].map(() => read(blocks, 'a', decoder.decode()));
    await settle();
    decoder.finish();
    expect(await Promise.all(wanted)).toEqual([1, 1]);
    expect(decoder.started).toBe(1);
  });
});
