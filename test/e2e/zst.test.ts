/** The bundle as `.tar.zst`: written, streamed, mounted, and taken by the loaders that read it. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { digestOf, hexOf } from '../../src/ground/digest.ts';
import { buildSampleImages, type FixtureImage } from '../fixtures/sample-images.ts';
import { writeHybridArchive } from '../fixtures/write-hybrid-archive.ts';
import { writeLegacyArchive } from '../fixtures/write-legacy-archive.ts';
import { startContainerd } from '../product/stick/throwaway-containerd.ts';
import { createLiveBench } from '../support/live-bench.ts';
import { startNewerEngine } from '../support/newer-engine.ts';
import { runCli, runCliOk } from '../support/run-cli.ts';
import { makeTempFolder } from '../support/temp-folder.ts';

const run = promisify(execFile);
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const fast = ['--no-config', '--preset', '0', '--zst-level', '3'];

interface Built {
  readonly images: readonly FixtureImage[];
  readonly folder: string;
  readonly cache: string;
  readonly archive: string;
  /** images.tar.zst */
  readonly output: string;
}

interface Report {
  readonly bundle: { readonly size: number; readonly sha256: string };
  readonly blocks: { readonly encoded: number };
  readonly frames: { readonly total: number; readonly reused: number; readonly encoded: number };
}

async function build(revision: 1 | 2 = 1, scale = 1): Promise<Built> {
  const folder = await makeTempFolder();
  const built = {
    images: await buildSampleImages({ revision, scale }),
    folder,
    cache: join(folder, 'cache'),
    archive: join(folder, 'images.tar'),
    output: join(folder, 'images.tar.zst'),
  };
  await writeLegacyArchive(built.archive, built.images);
  await buildAgain(built);
  return built;
}

async function buildAgain({ archive, output, cache }: Built): Promise<Report> {
  const { stdout } = await runCliOk(['build', '--from', archive, '-o', output, ...fast, '--json'], { cache });
  return JSON.parse(stdout.toString()) as Report;
}

describe('build -o images.tar.zst', { timeout: 120_000 }, () => {
  it('writes what zstd accepts, stream gives the same, and a second build encodes nothing', async () => {
    const built = await build();
    const { archive, cache, output, folder } = built;
    const { stdout: listed } = await run('sh', ['-c', `zstd -tq ${output} && zstd -lv ${output}`]);
    expect(listed).toMatch(/Check: XXH64/);
    await runCliOk(['build', '--from', archive, '-o', join(folder, 'images.tar.xz'), '--preset', '0'], {
      cache,
    });
    await run('sh', ['-c', 'xz -dc images.tar.xz >a.tar && zstd -dcq images.tar.zst | cmp - a.tar'], {
      cwd: folder,
    });
    const report = await buildAgain(built);
    expect(report).toMatchObject({ blocks: { encoded: 0 }, frames: { encoded: 0 } });
    const bytes = await readFile(output);
    expect(report.bundle).toMatchObject({ size: bytes.length, sha256: sha256(bytes) });
    const streamed = await runCliOk(['stream', '--format', 'zst', '--from', archive, ...fast], { cache });
    expect(streamed.stdout.equals(bytes)).toBe(true);
  });

  it('is verified, inspected and built from again; damage is found', async () => {
    const { output, cache, folder } = await build();
    expect((await runCliOk(['verify', output])).stdout.toString()).toContain('sound');
    expect((await runCliOk(['inspect', output])).stdout.toString()).toContain('tiny/web:1.0');
    const again = join(folder, 'again.tzst');
    await runCliOk(['build', '--from', output, '-o', again, ...fast], { cache });
    expect((await readFile(again)).equals(await readFile(output))).toBe(true);
    // The checksum of the first frame: all that it is about is right, and nothing else tells.
    const bytes = await readFile(output);
    const table = bytes.length - 9 - 8 * bytes.readUInt32LE(bytes.length - 9);
    const end = bytes.readUInt32LE(table);
    bytes[end - 1] = (bytes[end - 1] ?? 0) ^ 1;
    await writeFile(output, bytes);
    const verified = await runCli(['verify', output]);
    expect(verified.status).toBe(5);
    expect(verified.stderr).toContain("doesn't match checksum");
  });

  it('goes by the name of the file, unless --format says otherwise, and refuses what makes no sense', async () => {
    const { archive, cache, folder } = await build();
    const write = async (...args: string[]): Promise<Buffer> => {
      const output = join(folder, args[0] ?? '');
      await runCliOk(['build', '--from', archive, '-o', output, '--preset', '0', ...args.slice(1)], {
        cache,
      });
      return (await readFile(output)).subarray(0, 4);
    };
    const zst = Buffer.from('28b52ffd', 'hex');
    expect(await write('a.TZST')).toEqual(zst);
    expect(await write('b.tar.xz', '--format', 'zst')).toEqual(zst);
    expect(await write('c.tar.zst', '--format', 'xz')).not.toEqual(zst);
    expect(await write('zst')).not.toEqual(zst);
    const squashed = join(folder, 'web.tar.zst');
    await runCliOk(['squash', 'tiny/web:1.0', '--from', archive, '-o', squashed, '--preset', '0'], { cache });
    await runCliOk(['verify', squashed]);
    const xz = join(folder, 'x.tar.xz');
    for (const args of [
      ['build', '--from', archive, '-o', xz, '--zst-level', '3'],
      ['build', '--from', archive, '-o', xz, '--format', 'zst', '--zst-level', '20'],
      ['stream', '--from', archive, '--tar', '--format', 'zst'],
      ['delta', '--base', join(folder, 'b.tar.xz'), '--from', archive, '-o', join(folder, 'u.tar.zst')],
      ['mount', '--from', archive, '--zst-level', '3', join(folder, 'mnt')],
    ]) {
      const { status, stderr } = await runCli(args, { cache });
      expect(status, stderr).toBe(2);
    }
  });

  it('leaves nothing half-written when it is killed, and goes on from there', async () => {
    const built = await build(1, 6);
    const { archive, cache, output } = built;
    const wanted = await readFile(output);
    const frames = join(cache, 'v1/frames');
    await rm(frames, { recursive: true });
    const startMs = performance.now();
    await buildAgain(built);
    const durationMs = performance.now() - startMs;
    let killedCount = 0;
    for (let moment = 1; moment <= 12; moment += 1) {
      await rm(frames, { recursive: true, force: true });
      await rm(output, { force: true });
      const killed = await runCli(['build', '--from', archive, '-o', output, ...fast], {
        cache,
        onStart: (child) => setTimeout(() => child.kill('SIGKILL'), (durationMs * moment) / 13),
      });
      if (killed.status === 'SIGKILL') killedCount += 1;
      await runCliOk(['cache', 'verify'], { cache });
      await buildAgain(built);
      expect((await readFile(output)).equals(wanted)).toBe(true);
      const left = await readdir(built.folder, { recursive: true });
      expect(left.filter((name) => name.endsWith('.partial'))).toEqual([]);
    }
    expect(killedCount).toBeGreaterThan(4);
  });
});

describe('loaders', { timeout: 120_000 }, () => {
  it('podman and skopeo read it, with the same configs and layers', async () => {
    const { images, folder, output } = await build();
    for (const { tags, config, layers } of images) {
      const copy = join(folder, hexOf(digestOf(config)));
      const from = `docker-archive:${output}:${tags[0] ?? ''}`;
      await run('skopeo', ['copy', '-q', '--insecure-policy', from, `dir:${copy}`]);
      const manifest = JSON.parse(await readFile(join(copy, 'manifest.json'), 'utf8')) as {
        config: { digest: string };
        layers: { digest: string }[];
      };
      expect(manifest.config.digest).toBe(digestOf(config));
      expect(manifest.layers.map(({ digest }) => digest)).toEqual(layers.map((layer) => digestOf(layer)));
    }
    const store = ['--root', join(folder, 'r'), '--runroot', join(folder, 'rr'), '--storage-driver', 'vfs'];
    await run('podman', [...store, '--events-backend', 'none', 'load', '-q', '-i', output]);
    const { stdout } = await run('podman', [...store, 'images', '--format', '{{.Repository}}:{{.Tag}}']);
    for (const tag of images.flatMap(({ tags }) => tags)) expect(stdout).toContain(tag);
  });

  it.each(['graph driver', 'containerd'] as const)('docker of today with a %s loads it', async (store) => {
    const { images, output } = await build();
    await using engine = await startNewerEngine(store);
    await engine.docker('load', '-q', '-i', output);
    for (const { tags, layers } of images) {
      const found = await engine.docker('inspect', '-f', '{{json .RootFS.Layers}}', tags[0] ?? '');
      expect(JSON.parse(found)).toEqual(layers.map((layer) => digestOf(layer)));
    }
  });

  it('containerd before 2 takes it through zstd', async () => {
    const { images, output } = await build();
    await using containerd = await startContainerd();
    const script = 'zstd -dcq "$1" | ctr --address "$2" -n k8s.io images import -';
    await run('bash', ['-o', 'pipefail', '-c', script, 'bash', output, containerd.address]);
    const listed = (await containerd.ctr('-n', 'k8s.io', 'images', 'ls', '-q')).split('\n');
    for (const tag of images.flatMap(({ tags }) => tags)) expect(listed).toContain(`docker.io/${tag}`);
  });
});

describe('mount --view images.tar.zst', { timeout: 120_000 }, () => {
  it('shows what build writes, encodes it before, keeps it from gc, and follows a refresh', async () => {
    const bench = await createLiveBench();
    const archive = join(bench.folder, 'images.tar');
    await writeHybridArchive(archive, await buildSampleImages());
    const mountPoint = await bench.mountPoint();
    const args = ['--from', archive, ...fast];
    const view = ['--view', 'images.tar.zst', '--view', 'images.tar'];
    const mounted = await bench.runOk(['mount', ...args, ...view, mountPoint]);
    expect(mounted.stdout.toString()).toMatch(/images\.tar\.zst: .* as zstd \(/);
    const shown = join(mountPoint, 'images.tar.zst');
    const framesFolder = join(bench.env['BUNDLEFS_CACHE'] ?? '', 'v1/frames');
    const frames = await readdir(framesFolder, { recursive: true });
    const { size } = await stat(shown);
    await bench.runOk(['cache', 'gc', '--max-size', '0', '--keep-last', '0']);
    const bytes = await readFile(shown);
    expect(bytes).toHaveLength(size);
    expect(await readdir(framesFolder, { recursive: true })).toEqual(frames);
    await run('sh', ['-c', 'zstd -dcq images.tar.zst | cmp - images.tar'], { cwd: mountPoint });
    const built = join(bench.folder, 'built.tar.zst');
    const report = await bench.runOk(['build', ...args, '-o', built, '--json']);
    expect((JSON.parse(report.stdout.toString()) as Report).frames.encoded).toBe(0);
    expect((await readFile(built)).equals(bytes)).toBe(true);

    await writeHybridArchive(archive, await buildSampleImages({ revision: 2 }));
    await bench.runOk(['refresh', mountPoint]);
    expect((await readFile(shown)).equals(bytes)).toBe(false);
    await run('sh', ['-c', 'zstd -dcq images.tar.zst | cmp - images.tar'], { cwd: mountPoint });
    await bench.runOk(['unmount', mountPoint]);
    await bench.runOk(['cache', 'gc', '--max-size', '0', '--keep-last', '0']);
    const files = await readdir(framesFolder, { recursive: true, withFileTypes: true });
    expect(files.filter((entry) => entry.isFile())).toEqual([]);
  });
});
