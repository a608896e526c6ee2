/** Files without names, on a file system that can make them and on one that cannot. */
import { readdir } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { openNamelessFile } from '../../src/disk/nameless-file.ts';
import { makeLoopDisk } from '../product/copy/loop-disk.ts';

describe('openNamelessFile', () => {
  it.each([
    { kind: 'ext4', namesWhileOpen: [] },
    // libfuse, as NFS, keeps what is removed while it is open under a name of its own until it is closed.
    { kind: 'exfat', namesWhileOpen: [expect.stringMatching(/^\.fuse_hidden/)] },
  ] as const)('opens a file on $kind that is gone when it is closed', async ({ kind, namesWhileOpen }) => {
    const { folder } = await makeLoopDisk(64 * 2 ** 20, kind);
    const before = await readdir(folder);
    const file = await openNamelessFile(folder);
    await file.write(Buffer.from('content'), 0, 7, 100_000);
    const target = Buffer.alloc(7);
    await file.read(target, 0, 7, 100_000);
    expect(target.toString()).toBe('content');
    expect(await readdir(folder)).toEqual([...before, ...namesWhileOpen]);
    await file.close();
    expect(await readdir(folder)).toEqual(before);
  });
});
