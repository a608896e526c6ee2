import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openDeviceFile } from '../../../src/product/copy/device-file.ts';
import { makeTempFolder } from '../../support/temp-folder.ts';
import { makeLoopDisk } from './loop-disk.ts';
import { randomBytes } from './sketch-source.ts';

const mib = 2 ** 20;

async function readAll(path: string, end?: number): Promise<Buffer> {
  await using file = await openDeviceFile(path);
  const chunks: Buffer[] = [];
  for await (const chunk of file.chunks(end === undefined ? {} : { end })) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

describe('openDeviceFile', () => {
  it.each([0, 1, 511, 4095, 4096, 4097, 4 * mib, 4 * mib + 1, 9 * mib + 12_345])(
    'reads a file of %i bytes, and any start of it',
    async (size) => {
      const disk = await makeLoopDisk(32 * mib);
      const path = join(disk.folder, 'file');
      const bytes = randomBytes(size, 'a');
      await writeFile(path, bytes, { flush: true });
      expect((await readAll(path)).equals(bytes)).toBe(true);
      const end = Math.floor(size / 3);
      expect((await readAll(path, end)).equals(bytes.subarray(0, end))).toBe(true);
    },
  );

  it('gives what is on the device, and not what the kernel has in memory', async () => {
    const disk = await makeLoopDisk(32 * mib);
    const path = join(disk.folder, 'file');
    const bytes = randomBytes(mib, 'b');
    await writeFile(path, bytes, { flush: true });
    const before = disk.readSectors();
    await using file = await openDeviceFile(path);
    expect(file.kind).toBe('direct');
    for await (const chunk of file.chunks()) expect(chunk.length).toBe(mib);
    expect(disk.readSectors() - before).toBeGreaterThanOrEqual(mib / 512);
  });

  it('fails with EIO where the file becomes shorter while it is read', async () => {
    const path = join(await makeTempFolder(), 'file');
    await writeFile(path, randomBytes(9 * mib, 'c'), { flush: true });
    await using file = await openDeviceFile(path);
    const shorten = async (): Promise<void> => {
      for await (const chunk of file.chunks()) {
        const other = await open(path, 'r+');
        await other.truncate(chunk.length + 100);
        await other.close();
      }
    };
    await expect(shorten()).rejects.toMatchObject({ code: 'EIO' });
  });
});
