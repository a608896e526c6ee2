import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { buildSampleImages } from '../fixtures/sample-images.ts';
import { writeLegacyArchive } from '../fixtures/write-legacy-archive.ts';
import { runCli, runCliOk } from '../support/run-cli.ts';
import { makeTempFolder } from '../support/temp-folder.ts';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const revisions = [1, 2, 3, 4] as const;
const timeoutMs = 300_000;
const removeAll = ['cache', 'gc', '--keep-last', '0', '--max-size', '0', '--json'];

interface GcReport {
  readonly sizeBefore: number;
  readonly sizeAfter: number;
  readonly removed: readonly { readonly kind: string; readonly fileCount: number }[];
}

interface Release {
  readonly archive: string;
  /** Of its bundle, as made with a cache of its own. */
  readonly wanted: string;
}

async function makeRelease(folder: string, revision: 1 | 2 | 3 | 4, scale: number): Promise<Release> {
  const archive = join(folder, `r${revision}.tar`);
  const output = join(folder, `r${revision}.xz`);
  await writeLegacyArchive(archive, await buildSampleImages({ revision, scale }));
  await runCliOk(buildArgs(archive, output), { cache: join(folder, `cache-${revision}`), timeoutMs });
  return { archive, wanted: sha256(await readFile(output)) };
}

function buildArgs(archive: string, output: string): string[] {
  return ['build', '--from', archive, '--preset', '0', '-o', output];
}

async function collect(cache: string, ...args: string[]): Promise<GcReport> {
  const { stdout } = await runCliOk(args.length > 0 ? args : removeAll, { cache, timeoutMs });
  return JSON.parse(stdout.toString()) as GcReport;
}

describe('cache gc', () => {
  it(
    'beside builds and a mounted reader in other processes removes nothing that they use',
    { timeout: 900_000 },
    async () => {
      const folder = await makeTempFolder();
      const cache = join(folder, 'cache');
      const mountPoint = join(folder, 'mnt');
      await mkdir(mountPoint);
      const releases: Release[] = [];
      for (const revision of revisions) releases.push(await makeRelease(folder, revision, 3));
      const [first] = releases;
      if (first === undefined) throw new TypeError('There are releases');
      await runCliOk(['mount', '--from', first.archive, '--preset', '0', mountPoint], {
        cache,
        timeoutMs,
        env: { XDG_STATE_HOME: join(folder, 'state') },
      });
      onTestFinished(async () => {
        await runCli(['unmount', '--lazy', mountPoint]);
      });

      const fate = { isBuilding: true };
      let removedCount = 0;
      const collecting = (async () => {
        while (fate.isBuilding) {
          for (const { fileCount } of (await collect(cache)).removed) removedCount += fileCount;
        }
      })();
      const reading = (async () => {
        while (fate.isBuilding) {
          expect(sha256(await readFile(join(mountPoint, 'images.tar.xz')))).toBe(first.wanted);
        }
      })();
      const builders = [0, 1].map(async (builder) => {
        for (let round = 0; round < 6; round += 1) {
          const { archive, wanted } = releases[(round + builder) % releases.length] ?? first;
          const output = join(folder, `built-${builder}.xz`);
          await runCliOk(buildArgs(archive, output), { cache, timeoutMs });
          expect(sha256(await readFile(output))).toBe(wanted);
        }
      });
      const building = Promise.allSettled(builders).finally(() => {
        fate.isBuilding = false;
      });
      await Promise.allSettled([building, collecting, reading]); // nobody may work on when the folder goes
      await Promise.all([...builders, collecting, reading]);
      for (const { fileCount } of (await collect(cache)).removed) removedCount += fileCount;
      expect(removedCount).toBeGreaterThan(0);
      expect(sha256(await readFile(join(mountPoint, 'images.tar.xz')))).toBe(first.wanted);
      await runCliOk(['cache', 'verify'], { cache, timeoutMs });

      await runCliOk(['unmount', mountPoint], { timeoutMs });
      await collect(cache);
      const info = await runCliOk(['cache', 'info', '--json'], { cache, timeoutMs });
      expect(JSON.parse(info.stdout.toString())).toMatchObject({ blocks: [], leases: [] });
    },
  );

  it('killed at any moment leaves a cache that builds and verifies', { timeout: 900_000 }, async () => {
    const folder = await makeTempFolder();
    const cache = join(folder, 'cache');
    const output = join(folder, 'out.xz');
    const { archive, wanted } = await makeRelease(folder, 1, 3);
    await runCliOk(buildArgs(archive, output), { cache, timeoutMs });
    const startMs = performance.now();
    await collect(cache);
    const durationMs = performance.now() - startMs;
    for (let index = 0; index < 10; index += 1) {
      await runCliOk(buildArgs(archive, output), { cache, timeoutMs });
      expect(sha256(await readFile(output))).toBe(wanted);
      await runCli(removeAll, {
        cache,
        onStart: (child) => setTimeout(() => child.kill('SIGKILL'), (durationMs * (index + 1)) / 11),
      });
      await runCliOk(['cache', 'verify'], { cache, timeoutMs });
    }
    await runCliOk(buildArgs(archive, output), { cache, timeoutMs });
    expect(sha256(await readFile(output))).toBe(wanted);
  });

  it('works on a full disk', { timeout: timeoutMs }, async () => {
    const folder = await makeTempFolder();
    const cache = join(folder, 'cache');
    await mkdir(cache);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=20m', 'tmpfs', cache]);
    onTestFinished(() => {
      execFileSync('umount', [cache]);
    });
    const archive = join(folder, 'images.tar');
    await writeLegacyArchive(archive, await buildSampleImages());
    await runCliOk(buildArgs(archive, join(folder, 'out.xz')), { cache, timeoutMs });
    const fill = async (): Promise<void> => {
      for (;;) await appendFile(join(cache, 'filler'), Buffer.alloc(4096));
    };
    await expect(fill()).rejects.toMatchObject({ code: 'ENOSPC' });
    const { sizeBefore, sizeAfter } = await collect(cache);
    expect(sizeAfter).toBeLessThan(sizeBefore / 2);
  });

  it('refuses limits that are none with status 2, and a cache that is not there with 6', async () => {
    const cache = await makeTempFolder();
    for (const args of [
      ['--max-size', 'lots'],
      ['--keep-last', '-1'],
      ['--older-than', '30'],
    ]) {
      expect((await runCli(['cache', 'gc', ...args], { cache })).status).toBe(2);
    }
    expect((await runCli(['cache', 'gc'], { cache })).status).toBe(6);
    const env = { BUNDLEFS_CACHE_MAX_SIZE: 'lots' };
    const wrong = await runCli(['cache', 'info'], { cache, env });
    expect(wrong.status).toBe(2);
    expect(wrong.stderr).toContain('BUNDLEFS_CACHE_MAX_SIZE');
  });
});

describe('BUNDLEFS_CACHE_MAX_SIZE', () => {
  it('keeps a cache within it from build to build', { timeout: timeoutMs }, async () => {
    const folder = await makeTempFolder();
    const cache = join(folder, 'cache');
    const sizes: number[] = [];
    for (const revision of [1, 4] as const) {
      const archive = join(folder, `r${revision}.tar`);
      await writeLegacyArchive(archive, await buildSampleImages({ revision }));
      await runCliOk(buildArgs(archive, join(folder, 'out.xz')), {
        cache,
        timeoutMs,
        env: { BUNDLEFS_CACHE_MAX_SIZE: '1K' },
      });
      const info = await runCliOk(['cache', 'info', '--json'], { cache, timeoutMs });
      const { bundles } = JSON.parse(info.stdout.toString()) as { bundles: { missingBlockCount: number }[] };
      expect(bundles[0]?.missingBlockCount).toBe(0);
      sizes.push(bundles.filter(({ missingBlockCount }) => missingBlockCount === 0).length);
    }
    expect(sizes).toEqual([1, 1]);
  });
});

describe('docs/cache.md', () => {
  it('names commands that work', { timeout: timeoutMs }, async () => {
    const folder = await makeTempFolder();
    const cache = join(folder, 'cache');
    await writeLegacyArchive(join(folder, 'images.tar'), await buildSampleImages());
    await runCliOk(buildArgs(join(folder, 'images.tar'), join(folder, 'out.xz')), { cache, timeoutMs });
    const text = await readFile(fileURLToPath(new URL('../../docs/cache.md', import.meta.url)), 'utf8');
    const commands = [...text.matchAll(/^bundlefs (cache .*?)(?: +#.*)?$/gm)].map(
      ([, command = '']) => command,
    );
    expect(commands.length).toBeGreaterThan(3);
    for (const command of commands) {
      const { stdout } = await runCliOk(command.split(' '), { cache, timeoutMs });
      expect(stdout.length).toBeGreaterThan(0);
    }
  });
});
