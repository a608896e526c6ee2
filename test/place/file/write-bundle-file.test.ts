/** writeBundleFile: whole or not at all, and a file that has the bytes already is left alone. */
import { readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../src/ground/digest.ts';
import { openDiskFile } from '../../../src/file/disk-file.ts';
import { writeBundleFile } from '../../../src/place/file/write-bundle-file.ts';
import { makeTempFolder } from '../../support/temp-folder.ts';

const long = Buffer.alloc(3_000_000, 'what a bundle has');

describe('writeBundleFile', () => {
  it('leaves a file with the same bytes as it is, whether or not the digest is known', async () => {
    const { source, target } = await makeFiles();
    const first = await writeBundleFile(source, target);
    expect(first).toEqual({ path: target, size: long.length, digest: digestOf(long), isNew: true });
    await utimes(target, 1000, 1000);
    const before = await stat(target);
    expect(await writeBundleFile(source, target)).toEqual({ ...first, isNew: false });
    expect(await writeBundleFile(source, target, { knownDigest: first.digest })).toEqual({
      ...first,
      isNew: false,
    });
    const after = await stat(target);
    expect([after.ino, after.mtimeMs]).toEqual([before.ino, 1_000_000]);
    await source.close();
  });

  it('replaces a file of the same size that differs in its first or its last byte, and a shorter or longer one', async () => {
    const { source, target } = await makeFiles();
    for (const change of [0, long.length - 1]) {
      const other = Buffer.from(long);
      other.writeUInt8(other.readUInt8(change) ^ 1, change);
      await writeFile(target, other);
      expect((await writeBundleFile(source, target, { knownDigest: digestOf(long) })).isNew).toBe(true);
      expect((await readFile(target)).equals(long)).toBe(true);
    }
    for (const other of [long.subarray(1), Buffer.concat([long, Buffer.alloc(1)]), Buffer.alloc(0)]) {
      await writeFile(target, other);
      expect((await writeBundleFile(source, target)).isNew).toBe(true);
      expect((await readFile(target)).equals(long)).toBe(true);
    }
    await source.close();
  });
});

async function makeFiles(): Promise<{ source: Awaited<ReturnType<typeof openDiskFile>>; target: string }> {
  const folder = await makeTempFolder();
  await writeFile(join(folder, 'source'), long);
  return { source: await openDiskFile(join(folder, 'source')), target: join(folder, 'target') };
}
