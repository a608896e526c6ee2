import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { findTarget } from '../../../src/product/copy/target.ts';
import { makeTempFolder } from '../../support/temp-folder.ts';

const options = { cachePath: '/nowhere/cache' };

describe('findTarget', () => {
  it.each([
    '/',
    '/home',
    '/etc',
    '/etc/bundle',
    '/usr/local/bundle',
    '/dev',
    '/proc/1',
    '/sys/kernel',
    '/var/../boot',
  ])('refuses %s with whatever consent', async (path) => {
    await expect(findTarget(path, { ...options, allowsSystemDisk: true })).rejects.toMatchObject({
      code: 'invalid-argument',
    });
  });

  it('refuses the disk of the system, where a stick is mostly not mounted, unless that is allowed', async () => {
    const folder = await makeTempFolder();
    await expect(findTarget(folder, options)).rejects.toMatchObject({
      code: 'invalid-argument',
      hint: expect.stringContaining('--allow-system-disk') as string,
    });
    const found = await findTarget(folder, { ...options, allowsSystemDisk: true });
    expect(found.folder).toBe(folder);
    expect(found.freeSize).toBeGreaterThan(0);
  });

  it('refuses the cache, through links too, and the folder that is copied, and their neighbours not', async () => {
    const place = await makeTempFolder();
    const [cache, source, link] = ['cache', 'source', 'link'].map((name) => join(place, name)) as [
      string,
      string,
      string,
    ];
    await mkdir(join(cache, 'v1'), { recursive: true });
    await mkdir(source);
    await symlink(cache, link);
    const own = { cachePath: cache, sourceFolder: source, allowsSystemDisk: true };
    for (const path of [cache, join(cache, 'v1'), join(link, 'v1'), source]) {
      await expect(findTarget(path, own), path).rejects.toMatchObject({ code: 'invalid-argument' });
    }
    expect((await findTarget(`${cache}-2`, own)).folder).toBe(`${cache}-2`);
  });

  it('wants a folder, or one that can be made: no file, no link to nowhere, no missing parent', async () => {
    const place = await makeTempFolder();
    await writeFile(join(place, 'file'), '');
    await symlink('nowhere', join(place, 'link'));
    for (const name of ['file', 'link', 'a/b', 'file/x']) {
      await expect(
        findTarget(join(place, name), { ...options, allowsSystemDisk: true }),
        name,
      ).rejects.toMatchObject({
        code: 'output-failed',
      });
    }
  });

  it('knows memory, and refuses what is mounted read-only', async () => {
    const folder = await makeTempFolder();
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder]);
    onTestFinished(() => {
      execFileSync('umount', [folder]);
    });
    await chmod(folder, 0o755);
    const found = await findTarget(join(folder, 'shop'), options);
    expect(found).toMatchObject({
      folder: join(folder, 'shop'),
      traits: { isMemory: true },
      mount: { type: 'tmpfs' },
    });
    execFileSync('mount', ['-o', 'remount,ro', folder]);
    await expect(findTarget(folder, options)).rejects.toMatchObject({
      code: 'output-failed',
      message: expect.stringContaining('read-only') as string,
    });
  });
});
