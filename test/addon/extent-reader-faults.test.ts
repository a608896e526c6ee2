/** ExtentReader against files that are missing, damaged, cut off or replaced. */
import { mkdtempSync, renameSync, rmSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ExtentFile, ExtentReader } from '../../src/addon/extent-reader.ts';
import { digestOf } from '../../src/ground/digest.ts';
import { chain, createFile, readSlice } from './support/extent-files.ts';
import { noiseBytes } from './support/sample-bytes.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'extent-reader-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

describe('ExtentReader over files at fault', () => {
  it('throws block-corrupt with the path for a changed bit anywhere in a file, and reads the others', async () => {
    const bytes = noiseBytes(600_000);
    const files = [createFile(folder, 'good', bytes), createFile(folder, 'bad', bytes)];
    const bad = files[1]?.path ?? '';
    for (const position of [0, 299_999, 599_999]) {
      const damaged = Buffer.from(bytes);
      damaged.writeUInt8(damaged.readUInt8(position) ^ 1, position);
      writeFileSync(bad, damaged);
      await using reader = new ExtentReader(files, chain(files));
      await expect(readSlice(reader, 700_000, 10)).rejects.toMatchObject({
        code: 'block-corrupt',
        path: bad,
      });
      await expect(readSlice(reader, 599_999, 2)).rejects.toMatchObject({ code: 'block-corrupt', path: bad });
      expect(reader.tryRead(Buffer.alloc(10), 700_000)).toBeUndefined();
      expect((await readSlice(reader, 599_990, 10)).equals(bytes.subarray(-10))).toBe(true);
    }
  });

  it('throws block-corrupt for a file that is too short, block-missing for none, cache-failed for a folder', async () => {
    const bytes = noiseBytes(5000);
    const files = [createFile(folder, 'file', bytes)];
    const path = files[0]?.path ?? '';
    await using reader = new ExtentReader(files, chain(files));
    for (const size of [4999, 0]) {
      truncateSync(path, size);
      await expect(readSlice(reader, 0, 1)).rejects.toMatchObject({ code: 'block-corrupt', path });
    }
    unlinkSync(path);
    await expect(readSlice(reader, 0, 1)).rejects.toMatchObject({ code: 'block-missing', path });
    const folders: ExtentFile[] = [
      { path: folder, size: 1, digest: digestOf(Buffer.alloc(1)), crc64: '0'.repeat(16) },
    ];
    await using ofFolder = new ExtentReader(folders, chain(folders));
    await expect(readSlice(ofFolder, 0, 1)).rejects.toMatchObject({ code: 'cache-failed', path: folder });
  });

  it('reads a file that was made again after it had been missing or damaged', async () => {
    const bytes = noiseBytes(5000);
    const files = [createFile(folder, 'file', bytes)];
    const path = files[0]?.path ?? '';
    await using reader = new ExtentReader(files, chain(files));
    unlinkSync(path);
    await expect(readSlice(reader, 0, 9)).rejects.toMatchObject({ code: 'block-missing' });
    writeFileSync(path, Buffer.alloc(6000));
    await expect(readSlice(reader, 0, 9)).rejects.toMatchObject({ code: 'block-corrupt' });
    writeFileSync(`${path}.new`, bytes);
    renameSync(`${path}.new`, path);
    expect((await readSlice(reader, 0, 9)).equals(bytes.subarray(0, 9))).toBe(true);
  });

  it('checks anew another file that took the place of a checked one', async () => {
    const bytes = noiseBytes(5000);
    const files = [createFile(folder, 'file', bytes), createFile(folder, 'other', bytes)];
    const path = files[0]?.path ?? '';
    await using reader = new ExtentReader(files, chain(files), { openFileLimit: 1 });
    await readSlice(reader, 0, 10);
    writeFileSync(`${path}.new`, noiseBytes(5000, 'wrong'));
    renameSync(`${path}.new`, path);
    await expect(readSlice(reader, 0, 10)).rejects.toMatchObject({ code: 'block-corrupt', path });
  });

  it('throws block-corrupt, and gives no bytes, for a file that is cut off after its check', async () => {
    const files = [createFile(folder, 'file', noiseBytes(100_000))];
    const path = files[0]?.path ?? '';
    await using reader = new ExtentReader(files, chain(files));
    await readSlice(reader, 0, 10);
    truncateSync(path, 50_000);
    expect(reader.tryRead(Buffer.alloc(100), 49_950)).toBeUndefined();
    await expect(readSlice(reader, 49_950, 100)).rejects.toMatchObject({ code: 'block-corrupt', path });
  });
});
