import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { digestOf, hexOf } from '../../src/ground/digest.ts';
import { buildOddImages, buildSampleImages, type FixtureImage } from '../fixtures/sample-images.ts';
import { writeHybridArchive } from '../fixtures/write-hybrid-archive.ts';
import { writeLegacyArchive } from '../fixtures/write-legacy-archive.ts';
import { writeOciLayout } from '../fixtures/write-oci-layout.ts';
import { runCli, runCliOk } from '../support/run-cli.ts';
import { makeTempFolder } from '../support/temp-folder.ts';
import { startEngine, type ThrowawayEngine } from '../support/throwaway-engine.ts';

const run = promisify(execFile);
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

let images: readonly FixtureImage[];
let source: ThrowawayEngine;
let target: ThrowawayEngine;

/** Tags that docker shows as they are written. */
const names = (): string[] => images.flatMap((image) => image.tags);

beforeAll(async () => {
  images = [
    ...(await buildSampleImages()),
    ...(await buildOddImages()).filter(({ tags }) => tags.length > 0),
  ];
  source = await startEngine();
  target = await startEngine();
});
afterAll(async () => {
  await source[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
});

async function loadIntoSource(): Promise<void> {
  const folder = await makeTempFolder();
  await writeLegacyArchive(join(folder, 'images.tar'), images);
  await source.docker('load', '-q', '-i', join(folder, 'images.tar'));
}

async function buildFrom(from: string, name: string, folder: string): Promise<string> {
  const output = join(folder, name);
  const chosen = from.startsWith('docker:') ? names() : [];
  await runCliOk([
    'build',
    '--from',
    from,
    '-o',
    output,
    '--cache',
    join(folder, `cache-${name}`),
    ...chosen,
  ]);
  return output;
}

/** What each image is to an engine with a graph driver: its id and its layers. */
async function describeStored(engine: ThrowawayEngine): Promise<Map<string, string>> {
  const described = new Map<string, string>();
  for (const name of names()) {
    described.set(
      name,
      (await engine.docker('inspect', '-f', '{{.Id}} {{json .RootFS.Layers}}', name)).trim(),
    );
  }
  return described;
}

/** The file system of a container of this image: every path with its kind, mode, owner, size, links and content. */
async function exportFiles(engine: ThrowawayEngine, name: string): Promise<string[]> {
  const folder = await makeTempFolder();
  const id = (await engine.docker('create', name)).trim();
  await engine.docker('export', '-o', join(folder, 'files.tar'), id);
  await engine.docker('rm', id);
  execFileSync('mkdir', [join(folder, 'files')]);
  execFileSync('tar', [
    '-C',
    join(folder, 'files'),
    '--xattrs',
    '--numeric-owner',
    '-xpf',
    join(folder, 'files.tar'),
  ]);
  const script =
    'cd "$1"; find . -printf "%p %y %m %U %G %s %n %l\\n" | grep -vE "^\\./(\\.dockerenv|dev|etc|proc|sys)( |/| d)" | sort; ' +
    'find . -type f -exec sha256sum {} + | sort; getcap -r . 2>/dev/null || :';
  return (await run('bash', ['-c', script, 'bash', join(folder, 'files')])).stdout.split('\n');
}

describe('one bundle', () => {
  it('is the same to the byte from an engine, from its docker save, and from every layout', async () => {
    await loadIntoSource();
    const folder = await makeTempFolder();
    await writeLegacyArchive(join(folder, 'legacy.tar'), images);
    await writeHybridArchive(join(folder, 'hybrid.tar'), images);
    await writeHybridArchive(join(folder, 'gzip.tar'), images, { gzipLayers: true });
    await writeOciLayout(join(folder, 'oci'), images);
    await source.docker('save', '-o', join(folder, 'saved.tar'), ...names());
    const sums = new Map<string, string>();
    for (const from of ['legacy.tar', 'hybrid.tar', 'gzip.tar', 'saved.tar']) {
      sums.set(from, sha256(await readFile(await buildFrom(join(folder, from), `${from}.xz`, folder))));
    }
    sums.set('oci', sha256(await readFile(await buildFrom(`oci:${join(folder, 'oci')}`, 'oci.xz', folder))));
    sums.set('engine', sha256(await readFile(await buildFrom(`docker:${source.host}`, 'engine.xz', folder))));
    const own = await buildFrom(join(folder, 'engine.xz'), 'own.xz', folder);
    sums.set('own', sha256(await readFile(own)));
    expect(new Set(sums.values()).size, JSON.stringify([...sums])).toBe(1);
  }, 120_000);

  it('loads into an empty engine with the ids, layers and files that the first one has', async () => {
    await loadIntoSource();
    const folder = await makeTempFolder();
    const output = await buildFrom(`docker:${source.host}`, 'images.tar.xz', folder);
    await target.docker('load', '-q', '-i', output);
    expect(await describeStored(target)).toEqual(await describeStored(source));
    for (const name of ['tiny/odd:1', 'tiny/web:1.0']) {
      const files = await exportFiles(target, name);
      expect(files.length).toBeGreaterThan(10);
      expect(files).toEqual(await exportFiles(source, name));
    }
    await target.docker('rmi', '-f', ...names());
  }, 120_000);

  it('goes through skopeo and podman with the same configs and layers', async () => {
    const folder = await makeTempFolder();
    await writeLegacyArchive(join(folder, 'legacy.tar'), images);
    const output = await buildFrom(join(folder, 'legacy.tar'), 'images.tar.xz', folder);
    for (const { tags, config, layers } of images) {
      const [tag = ''] = tags;
      const copy = join(folder, hexOf(digestOf(config)));
      await run('skopeo', [
        'copy',
        '-q',
        '--insecure-policy',
        `docker-archive:${output}:${tag}`,
        `dir:${copy}`,
      ]);
      const manifest = JSON.parse(await readFile(join(copy, 'manifest.json'), 'utf8')) as {
        config: { digest: string };
        layers: { digest: string }[];
      };
      expect(manifest.config.digest).toBe(digestOf(config));
      expect(manifest.layers.map((layer) => layer.digest)).toEqual(layers.map((layer) => digestOf(layer)));
    }
    const podman = ['--root', join(folder, 'r'), '--runroot', join(folder, 'rr'), '--storage-driver', 'vfs'];
    await run('podman', [...podman, '--events-backend', 'none', 'load', '-q', '-i', output]);
    const { stdout } = await run('podman', [
      ...podman,
      'images',
      '--no-trunc',
      '--format',
      '{{.Repository}}:{{.Tag}} {{.Id}}',
    ]);
    for (const { tags, config } of images) {
      for (const tag of tags) {
        expect(stdout).toMatch(
          new RegExp(`(^|/)${tag.replace(/\./g, '\\.')} (sha256:)?${hexOf(digestOf(config))}`, 'm'),
        );
      }
    }
  }, 120_000);
});

describe('bundlefs with an engine', () => {
  it('exports nothing the second time, and adds only metadata for a new tag', async () => {
    await loadIntoSource();
    const folder = await makeTempFolder();
    const build = async (...chosen: string[]): Promise<{ blocks: { encoded: number; total: number } }> => {
      const args = ['build', '--from', `docker:${source.host}`, '-o', join(folder, 'x'), '--json', ...chosen];
      const { stdout } = await runCliOk(args, { cache: join(folder, 'cache') });
      return JSON.parse(stdout.toString()) as { blocks: { encoded: number; total: number } };
    };
    expect((await build('tiny/web:1.0')).blocks.encoded).toBeGreaterThan(0);
    expect((await build('tiny/web:1.0')).blocks.encoded).toBe(0);
    await source.docker('tag', 'tiny/web:1.0', 'tiny/web:again');
    onTestFinished(async () => {
      await source.docker('rmi', 'tiny/web:again');
    });
    expect((await build('tiny/web:again')).blocks.encoded).toBe(1);
  });

  it('streams into docker load, and loads into another engine by itself', async () => {
    await loadIntoSource();
    const folder = await makeTempFolder();
    const env = { DOCKER_HOST: source.host };
    const cache = join(folder, 'cache');
    const { stdout } = await runCliOk(['stream', 'tiny/web:1.0', 'tiny/odd:1'], { cache, env });
    await writeFile(join(folder, 'x.tar.xz'), stdout);
    expect(await target.docker('load', '-q', '-i', join(folder, 'x.tar.xz'))).toContain('tiny/web:1.0');
    await target.docker('rmi', '-f', 'tiny/web:1.0', 'tiny/odd:1');

    const args = ['load', 'tiny/web:1.0', 'tiny/db:5', '--into', target.host, '--json'];
    const first = JSON.parse((await runCliOk(args, { cache, env })).stdout.toString()) as {
      images: { status: string }[];
    };
    expect(first.images.map(({ status }) => status)).toEqual(['loaded', 'loaded']);
    const again = JSON.parse((await runCliOk(args, { cache, env })).stdout.toString()) as {
      images: { status: string }[];
    };
    expect(again.images.map(({ status }) => status)).toEqual(['already there', 'already there']);
    expect(await target.docker('inspect', '-f', '{{.Id}}', 'tiny/db:5')).toBe(
      await source.docker('inspect', '-f', '{{.Id}}', 'tiny/db:5'),
    );
  }, 60_000);

  it('names the near misses of a missing image, and what there is where none is named', async () => {
    await loadIntoSource();
    const folder = await makeTempFolder();
    const args = ['build', '--from', `docker:${source.host}`, '-o', join(folder, 'x')];
    const missing = await runCli([...args, 'tiny/web:2.0'], { cache: join(folder, 'cache') });
    expect(missing.status).toBe(3);
    expect(missing.stderr).toContain('Did you mean tiny/web:1.0');
    const unnamed = await runCli(args, { cache: join(folder, 'cache') });
    expect(unnamed.status).toBe(2);
    expect(unnamed.stderr).toContain('tiny/db:5');
  });
});
