import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { shareOfDisk } from '../../src/disk/share-of-disk.ts';
import { makeTempFolder } from '../support/temp-folder.ts';

it('shareOfDisk gives what is wanted, up to a quarter of what is free or taken already', async () => {
  const folder = await makeTempFolder();
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', folder]);
  onTestFinished(() => {
    execFileSync('umount', [folder]);
  });
  const mib = 2 ** 20;
  expect(await shareOfDisk(folder, 0, mib)).toBe(mib);
  expect(await shareOfDisk(folder, 0, 100 * mib)).toBe(2 * mib);
  await writeFile(join(folder, 'spilled'), Buffer.alloc(2 * mib));
  expect(await shareOfDisk(folder, 2 * mib, 100 * mib)).toBe(2 * mib);
  await writeFile(join(folder, 'of others'), Buffer.alloc(4 * mib));
  expect(await shareOfDisk(folder, 2 * mib, 100 * mib)).toBe(mib);
});
