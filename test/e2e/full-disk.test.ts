import { execFileSync, spawnSync } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { buildSampleImages } from '../fixtures/sample-images.ts';
import { writeLegacyArchive } from '../fixtures/write-legacy-archive.ts';
import { programPath, runCli, runCliOk } from '../support/run-cli.ts';
import { makeTempFolder } from '../support/temp-folder.ts';

async function makeSmallDisk(size: string): Promise<string> {
  const folder = await makeTempFolder();
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder]);
  onTestFinished(() => {
    execFileSync('umount', [folder]);
  });
  return folder;
}

async function writeArchive(): Promise<{ folder: string; archive: string; output: string }> {
  const folder = await makeTempFolder();
  const archive = join(folder, 'images.tar');
  await writeLegacyArchive(archive, await buildSampleImages({ scale: 10 }));
  return { folder, archive, output: join(folder, 'images.tar.xz') };
}

describe('a full disk', () => {
  it('of the cache ends the build with status 6; the next one, with room, goes on from there', async () => {
    const { folder, archive, output } = await writeArchive();
    const cache = await makeSmallDisk('1500k');
    const args = ['build', '--from', archive, '-o', output, '--preset', '1', '--json'];
    const failed = await runCli(args, { cache });
    expect(failed.status).toBe(6);
    expect(failed.stderr).toContain('no space is left on the disk of the cache');
    expect(failed.stderr).toContain('the next run goes on from there');
    expect(await readdir(folder)).toEqual(['images.tar']);
    expect(await readdir(join(cache, 'v1/partial'))).toEqual([]);

    execFileSync('mount', ['-o', 'remount,size=100m', cache]);
    const done = await runCliOk(args, { cache });
    const { blocks } = JSON.parse(done.stdout.toString()) as { blocks: { reused: number; encoded: number } };
    expect(blocks.reused).toBeGreaterThan(0);
    expect(blocks.encoded).toBeGreaterThan(0);
    await runCliOk(['verify', output]);
  });

  it('of the output ends the build with status 7 and leaves nothing there', async () => {
    const { folder, archive } = await writeArchive();
    const disk = await makeSmallDisk('500k');
    const args = ['build', '--from', archive, '-o', join(disk, 'images.tar.xz'), '--preset', '1'];
    const failed = await runCli(args, { cache: join(folder, 'cache') });
    expect(failed.status).toBe(7);
    expect(failed.stderr).toContain('the bundle does not fit on its disk');
    expect(await readdir(disk)).toEqual([]);
  });

  it.each([
    ['the last chunk of a bundle', ['stream', '--preset', '1']],
    ['a recipe', ['describe']],
  ])(
    'behind standard output ends with status 7, once, also within %s',
    async (_, [verb = '', ...options]) => {
      const { folder, archive } = await writeArchive();
      const args = [verb, '--from', archive, ...options];
      const whole = await runCliOk(args, { cache: join(folder, 'cache') });
      const room = Math.floor((whole.stdout.length - 1) / 4096) * 4096;
      const disk = await makeSmallDisk(String(room));
      const command = ['-c', 'exec "$0" "$@" >"$FILE"', programPath, ...args];
      const env = { ...process.env, FILE: join(disk, 'file'), BUNDLEFS_CACHE: join(folder, 'cache') };
      const { status, stderr } = spawnSync('sh', command, { env, encoding: 'utf8' });
      expect([status, stderr.match(/Cannot write to standard output/g)]).toEqual([7, [expect.anything()]]);
    },
  );
});

it('a read-only disk is called so, with status 7', async () => {
  const { archive, folder } = await writeArchive();
  const disk = await makeSmallDisk('1m');
  execFileSync('mount', ['-o', 'remount,ro', disk]);
  const args = ['build', '--from', archive, '-o', join(disk, 'images.tar.xz')];
  const { status, stderr } = await runCli(args, { cache: join(folder, 'cache') });
  expect([status, stderr]).toEqual([7, expect.stringContaining('the file system is read-only')]);
  expect(stderr).not.toContain('EROFS');
});
