/** createBlockMaker: repeated content is encoded once, also while the first is under way. */
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { liblzmaVersion } from '../../src/addon/block-codec.ts';
import { storedSize } from '../../src/plan/layout/block-record.ts';
import { openCache } from '../../src/cache/cache.ts';
import { createBlockMaker } from '../../src/bundle/block-maker.ts';
import { createBuildMeter } from '../../src/bundle/build-meter.ts';
import { type Piece, pieceOf } from '../../src/plan/cut/piece-cutter.ts';
import { makeTempFolder } from '../support/temp-folder.ts';

const settings = { liblzma: liblzmaVersion(), preset: 1, extreme: false, check: 'crc64' } as const;

describe('createBlockMaker', () => {
  it('encodes equal pieces once: given together, one after the other, and to another maker', async () => {
    const cache = await openCache(await makeTempFolder());
    const store = await cache.openBlocks(settings);
    const events: (readonly [number, boolean])[] = [];
    const onBlock = (size: number, wasEncoded: boolean): void => void events.push([size, wasEncoded]);
    const meter = createBuildMeter();
    const maker = createBlockMaker(store, settings, { onBlock, meter });
    const piece = (): Piece => pieceOf(Buffer.alloc(300_000, 'the same content'));
    const [first, second] = await Promise.all([maker.makeBlock(piece()), maker.makeBlock(piece())]);
    const third = await maker.makeBlock(piece());
    expect(second).toEqual(first);
    expect(third).toEqual(first);
    expect([...meter.encoded]).toEqual([first.key]);
    const anotherMeter = createBuildMeter();
    const another = createBlockMaker(store, settings, { onBlock, meter: anotherMeter });
    expect(await another.makeBlock(piece())).toEqual(first);
    expect(anotherMeter.encoded.size).toBe(0);
    expect(events.filter(([, wasEncoded]) => wasEncoded)).toEqual([[300_000, true]]);
    expect(events).toHaveLength(4);
  });

  it('encodes a piece again whose stored block is of content of another size', async () => {
    const cache = await openCache(await makeTempFolder());
    const store = await cache.openBlocks(settings);
    const piece = (): Piece => pieceOf(Buffer.alloc(5000, 'content'));
    const right = await createBlockMaker(store, settings).makeBlock(piece());
    const bytes = (await readFile(store.blockPath(right.key))).subarray(0, storedSize(right));
    await store.putBlock({ ...right, uncompressedSize: 5001 }, bytes);
    expect(await createBlockMaker(store, settings).makeBlock(piece())).toEqual(right);
    expect(await store.findBlock(right.key)).toEqual(right);
  });
});
