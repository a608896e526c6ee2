import { execFileSync } from 'node:child_process';
import { symlink } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isLocalPath } from '../../src/disk/is-local-path.ts';
import { makeTempFolder } from '../support/temp-folder.ts';
import { MountBench } from '../mount/support/start-test-daemon.ts';

describe('isLocalPath', () => {
  it('is true for folders, files, links to them, and what is not there', async () => {
    const folder = await makeTempFolder();
    await symlink('.', join(folder, 'here'));
    for (const path of ['/', '/proc/self', folder, join(folder, 'here/here'), join(folder, 'none/at/all')]) {
      expect([path, await isLocalPath(path)]).toEqual([path, true]);
    }
  });

  it('is true for links that lead nowhere, which fail at once', async () => {
    const folder = await makeTempFolder();
    await symlink('ring', join(folder, 'ring'));
    await symlink(`${folder}/${'../'.repeat(50)}none`, join(folder, 'nowhere'));
    expect(await isLocalPath(join(folder, 'ring'))).toBe(true);
    expect(await isLocalPath(join(folder, 'nowhere'))).toBe(true);
  });

  it('is false for a mount that a process answers for, for what is in it, and for links into it', async () => {
    const bench = await MountBench.create();
    onTestFinished(() => bench.remove());
    const { mountPoint } = await bench.mount();
    const folder = await makeTempFolder();
    await symlink(mountPoint, join(folder, 'absolute'));
    await symlink(join(relative(folder, mountPoint), 'inside'), join(folder, 'relative'));
    await symlink('absolute', join(folder, 'twice'));
    expect(await isLocalPath(mountPoint)).toBe(false);
    for (const name of ['absolute', 'relative', 'twice', 'twice/..', './none/../absolute']) {
      expect([name, await isLocalPath(`${folder}/${name}`)]).toEqual([name, false]);
    }
    expect(await isLocalPath(folder)).toBe(true);
  });

  it('is true for what is mounted over it by the kernel alone', async () => {
    const folder = await makeTempFolder();
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', folder]);
    onTestFinished(() => void execFileSync('umount', [folder]));
    expect(await isLocalPath(join(folder, 'x'))).toBe(true);
  });
});
