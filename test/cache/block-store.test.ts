import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { copyFile, mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { crc64 } from '../../src/addon/block-codec.ts';
import type { BlockKey, BlockRecord } from '../../src/plan/layout/block-record.ts';
import { type BlockStore, openBlockStore } from '../../src/cache/block-store.ts';
import { digestOf } from '../../src/ground/digest.ts';
import { makeTempFolder } from '../support/temp-folder.ts';

async function makeStore(): Promise<BlockStore> {
  const folder = await makeTempFolder();
  const folders = { blocks: join(folder, 'blocks'), partials: join(folder, 'partial') };
  await mkdir(folders.blocks);
  await mkdir(folders.partials);
  return openBlockStore(folders);
}

function makeBlock(size: number): { record: BlockRecord; bytes: Buffer } {
  const bytes = randomBytes(size);
  const key = createHash('sha256').update(bytes).digest('hex') as BlockKey;
  const record = {
    key,
    unpaddedSize: size - 2,
    uncompressedSize: 5000,
    digest: digestOf(bytes),
    crc64: crc64(bytes),
  };
  return { record, bytes };
}

describe('a block store', () => {
  it('gives back the record and the bytes of what was stored', async () => {
    const store = await makeStore();
    const { record, bytes } = makeBlock(4000);
    expect(await store.findBlock(record.key)).toBeUndefined();
    expect(await store.stampBlocks([record])).toEqual([undefined]);
    await store.putBlock(record, bytes);
    expect(await store.findBlock(record.key)).toEqual(record);
    const [stamp] = await store.stampBlocks([record]);
    expect(stamp).toBeDefined();
    expect(await store.stampBlocks([record, record])).toEqual([stamp, stamp]);
    await store.putBlock(record, bytes);
    expect(await store.stampBlocks([record])).not.toEqual([stamp]);
    expect((await readFile(store.blockPath(record.key))).subarray(0, 4000).equals(bytes)).toBe(true);
  });

  it('lets one block be stored by many at once', async () => {
    const store = await makeStore();
    const { record, bytes } = makeBlock(40_000);
    await Promise.all(Array.from({ length: 10 }, () => store.putBlock(record, bytes)));
    expect(await store.findBlock(record.key)).toEqual(record);
  });

  it('takes a file that was cut or whose trailer is damaged for missing', async () => {
    const store = await makeStore();
    const { record, bytes } = makeBlock(400);
    for (const damage of [0, 30, 399, 400, 430, 467]) {
      await store.putBlock(record, bytes);
      await truncate(store.blockPath(record.key), damage);
      expect(await store.findBlock(record.key)).toBeUndefined();
      expect(await store.stampBlocks([record])).toEqual([undefined]);
    }
    await store.putBlock(record, bytes);
    const whole = await readFile(store.blockPath(record.key));
    for (let position = 400; position < whole.length; position += 1) {
      const damaged = Buffer.from(whole);
      damaged.writeUInt8(damaged.readUInt8(position) ^ 0x10, position);
      await writeFile(store.blockPath(record.key), damaged);
      expect(await store.findBlock(record.key)).toBeUndefined();
    }
  });

  it('takes a sound file that lies under the name of another block for missing', async () => {
    const store = await makeStore();
    const { record, bytes } = makeBlock(400);
    const other = makeBlock(400);
    await store.putBlock(record, bytes);
    await store.putBlock(other.record, other.bytes);
    await copyFile(store.blockPath(other.record.key), store.blockPath(record.key));
    expect(await store.findBlock(record.key)).toBeUndefined();
    expect(await store.findBlock(other.record.key)).toEqual(other.record);
  });

  it('refuses a named pipe by its name, and does not wait for it', async () => {
    const store = await makeStore();
    const { record, bytes } = makeBlock(400);
    await store.putBlock(record, bytes);
    await rm(store.blockPath(record.key));
    execFileSync('mkfifo', [store.blockPath(record.key)]);
    await expect(store.findBlock(record.key)).rejects.toMatchObject({
      code: 'cache-failed',
      path: store.blockPath(record.key),
      message: expect.stringContaining('is a named pipe, not a file') as string,
    });
    expect(await store.hasBlock(record)).toBe(false);
  });

  it('refuses bytes of another size than the record says', async () => {
    const store = await makeStore();
    const { record, bytes } = makeBlock(400);
    await expect(store.putBlock(record, bytes.subarray(4))).rejects.toThrow(RangeError);
    expect(await store.findBlock(record.key)).toBeUndefined();
  });
});
