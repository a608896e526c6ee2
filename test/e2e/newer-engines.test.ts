import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { readdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { digestOf } from '../../src/ground/digest.ts';
import {
  buildBareImage,
  buildOddImages,
  buildSampleImages,
  type FixtureImage,
} from '../fixtures/sample-images.ts';
import { expectedImage } from '../fixtures/expected-image.ts';
import { openDiskFile } from '../../src/file/disk-file.ts';
import { loadIntoEngine } from '../../src/place/engine/load-into-engine.ts';
import { writeHybridArchive } from '../fixtures/write-hybrid-archive.ts';
import { layerOf, omit } from '../fixtures/archive-members.ts';
import { startNewerEngine } from '../support/newer-engine.ts';
import { runCli, runCliOk } from '../support/run-cli.ts';
import { makeTempFolder } from '../support/temp-folder.ts';
import { startEngine, type ThrowawayEngine } from '../support/throwaway-engine.ts';

const run = promisify(execFile);
// Each test has an engine save or load several times, which takes long where the machine is busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });
/** Three images that share layers. */
const names = ['tiny/web:1.0', 'tiny/worker:1.0', 'tiny/db:5'];
const fast = ['--preset', '0'];

interface BuildReport {
  readonly images: readonly { readonly names: readonly string[]; readonly id: string }[];
  readonly bundle: { readonly sha256: string };
  readonly blocks: { readonly encoded: number };
}

const engines = new Map<string, ThrowawayEngine>();
let images: readonly FixtureImage[];

function engineOf(store: string): ThrowawayEngine {
  const engine = engines.get(store);
  if (engine === undefined) throw new RangeError(`There is no engine with ${store}`);
  return engine;
}

beforeAll(async () => {
  images = await buildSampleImages();
  engines.set('graph driver', await startNewerEngine('graph driver'));
  engines.set('containerd', await startNewerEngine('containerd'));
});
afterAll(async () => {
  for (const engine of engines.values()) await engine[Symbol.asyncDispose]();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const engine of engines.values()) await removeImages(engine);
});

async function removeImages(engine: ThrowawayEngine): Promise<void> {
  const ids = new Set((await engine.docker('images', '-aq', '--no-trunc')).split('\n').filter(Boolean));
  if (ids.size > 0) await engine.docker('rmi', '-f', ...ids);
}

async function load(engine: ThrowawayEngine, some: readonly FixtureImage[] = images): Promise<void> {
  const archive = join(await makeTempFolder(), 'images.tar');
  await writeHybridArchive(archive, some);
  await engine.docker('load', '-q', '-i', archive);
}

async function build(cache: string, from: string, some: readonly string[] = names): Promise<BuildReport> {
  const output = join(await makeTempFolder(), 'images.tar.xz');
  const args = ['build', ...fast, '--from', from, ...some, '-o', output, '--json'];
  return JSON.parse((await runCliOk(args, { cache })).stdout.toString()) as BuildReport;
}

/** How many images the engine exports meanwhile, by its own account. */
async function countExports(engine: ThrowawayEngine, action: () => Promise<unknown>): Promise<number> {
  const since = Date.now() / 1000;
  await action();
  const until = (Date.now() / 1000).toString();
  const words = ['events', '--since', since.toString(), '--until', until, '--filter', 'event=save'];
  return (await engine.docker(...words)).split('\n').filter(Boolean).length;
}

/** A registry on a free port, with the images that skopeo puts there: compressed with gzip, as registries have them. */
async function startRegistry(archive: string, some: readonly string[]): Promise<string> {
  const folder = await makeTempFolder();
  const address = `127.0.0.1:${await findFreePort()}`;
  const config = `version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: ${folder}}}\nhttp: {addr: "${address}"}\n`;
  await writeFile(join(folder, 'c.yml'), config);
  const registry = spawn('docker-registry', ['serve', join(folder, 'c.yml')], { stdio: 'ignore' });
  onTestFinished(() => stop(registry));
  await vi.waitUntil(
    () =>
      fetch(`http://${address}/v2/`).then(
        () => true,
        () => false,
      ),
    { timeout: 60_000 },
  );
  for (const name of some) {
    const words = ['copy', '-q', '--dest-tls-verify=false', `docker-archive:${archive}:${name}`];
    await run('skopeo', [...words, `docker://${address}/${name}`]);
  }
  return address;
}

async function stop(child: ChildProcess): Promise<void> {
  child.kill();
  while (child.exitCode === null && child.signalCode === null) await sleep(10);
}

function findFreePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        resolve(typeof address === 'object' ? (address?.port ?? 0) : 0);
      });
    });
  });
}

describe.each(['graph driver', 'containerd'])('a newer engine with %s', (store) => {
  it('gives the bundle that the archive gives, and exports nothing of what is known', async () => {
    const engine = engineOf(store);
    const archive = join(await makeTempFolder(), 'images.tar');
    await writeHybridArchive(archive, images);
    const wanted = await build(await makeTempFolder(), archive);
    await load(engine);
    const cache = await makeTempFolder();
    let first: BuildReport | undefined;
    expect(
      await countExports(engine, async () => (first = await build(cache, `docker:${engine.host}`))),
    ).toBe(names.length);
    expect(first?.bundle.sha256).toBe(wanted.bundle.sha256);
    expect(first?.images.map(({ id }) => id).sort()).toEqual(
      images.map(({ config }) => digestOf(config)).sort(),
    );
    let second: BuildReport | undefined;
    expect(
      await countExports(engine, async () => (second = await build(cache, `docker:${engine.host}`))),
    ).toBe(0);
    expect(second?.bundle.sha256).toBe(wanted.bundle.sha256);
  });

  it('costs one block of glue for an image with new metadata alone', async () => {
    vi.stubEnv('DOCKER_BUILDKIT', '0');
    const engine = engineOf(store);
    await load(engine);
    const cache = await makeTempFolder();
    await build(cache, `docker:${engine.host}`, ['tiny/web:1.0']);
    const context = await makeTempFolder();
    await writeFile(join(context, 'Dockerfile'), 'FROM tiny/web:1.0\nLABEL changed=yes\n');
    await engine.docker('build', '-q', '-t', 'tiny/web:labelled', context);
    const report = await build(cache, `docker:${engine.host}`, ['tiny/web:labelled']);
    expect(report.blocks.encoded).toBe(1);
  });

  it('is loaded into, and sent nothing the second time', async () => {
    const engine = engineOf(store);
    const archive = join(await makeTempFolder(), 'images.tar');
    await writeHybridArchive(archive, [...images, ...(await buildOddImages())]);
    const cache = await makeTempFolder();
    const loadInto = async (): Promise<Set<string>> => {
      const args = ['load', ...fast, '--from', archive, '--into', engine.host, '--json'];
      const { stdout } = await runCliOk(args, { cache });
      const report = JSON.parse(stdout.toString()) as { images: { status: string }[] };
      return new Set(report.images.map(({ status }) => status));
    };
    expect(await loadInto()).toEqual(new Set(['loaded']));
    const since = Date.now() / 1000;
    expect(await loadInto()).toEqual(new Set(['already there']));
    const until = (Date.now() / 1000).toString();
    const words = ['events', '--since', since.toString(), '--until', until, '--filter', 'event=load'];
    expect(await engine.docker(...words)).toBe('');
  });
});

describe('a newer engine with a graph driver', () => {
  it('keeps no layer of images that were exported and removed', async () => {
    const engine = engineOf('graph driver');
    await load(engine);
    await build(await makeTempFolder(), `docker:${engine.host}`);
    await removeImages(engine);
    expect(await readdir(join(engine.dataRoot, 'image/overlay2/layerdb/sha256'))).toEqual([]);
  });

  it('says which image it cannot export, having no layers', async () => {
    const engine = engineOf('graph driver');
    await load(engine, [buildBareImage()]);
    const args = ['stream', ...fast, '--from', `docker:${engine.host}`, 'tiny/bare:1'];
    expect(await runCli(args, { cache: await makeTempFolder() })).toMatchObject({
      status: 4,
      stderr: expect.stringContaining('tiny/bare:1 has no layers') as string,
    });
  });
});

describe('a newer engine with containerd', () => {
  it('gives the same bundle of images that it pulled, and has compressed, as an engine of another kind', async () => {
    const archive = join(await makeTempFolder(), 'images.tar');
    await writeHybridArchive(archive, images);
    const registry = await startRegistry(archive, names);
    const pulled = names.map((name) => `${registry}/${name}`);
    await using older = await startEngine();
    const engine = engineOf('containerd');
    for (const name of pulled)
      await Promise.all([older.docker('pull', '-q', name), engine.docker('pull', '-q', name)]);
    const [wanted, found] = await Promise.all([
      build(await makeTempFolder(), `docker:${older.host}`, pulled),
      build(await makeTempFolder(), `docker:${engine.host}`, pulled),
    ]);
    expect(found.bundle.sha256).toBe(wanted.bundle.sha256);
  });

  it('is refused an image that it never downloaded all of, by its name and with what helps', async () => {
    const archive = join(await makeTempFolder(), 'images.tar');
    await writeHybridArchive(archive, images);
    const registry = await startRegistry(archive, ['tiny/web:1.0']);
    const engine = engineOf('containerd');
    await load(engine);
    const name = `${registry}/tiny/web:1.0`;
    await engine.docker('pull', '-q', name);
    const args = ['stream', ...fast, '--from', `docker:${engine.host}`, name];
    const refused = await runCli(args, { cache: await makeTempFolder() });
    expect(refused).toMatchObject({
      status: 5,
      stderr: expect.stringContaining(`Cannot take ${name}: its config`) as string,
    });
    expect(refused.stdout).toHaveLength(0);
    const [, command = ''] = /^ {2}skopeo (.*), and --from images.tar$/m.exec(refused.stderr) ?? [];
    const cwd = await makeTempFolder();
    await run('skopeo', ['--insecure-policy', ...command.split(' '), '--src-tls-verify=false'], { cwd });
    const report = await build(await makeTempFolder(), join(cwd, 'images.tar'), [name]);
    const [web] = images;
    expect(report.images).toMatchObject([{ id: web && digestOf(web.config) }]);
  });

  it('is not believed to have loaded a bundle that lacks a layer', async () => {
    // A base that it never had: what was removed may be on its disk still, and then the image is whole.
    const [web] = await buildSampleImages({ revision: 4 });
    if (web === undefined) throw new RangeError('There is no image');
    const archive = join(await makeTempFolder(), 'images.tar');
    await writeHybridArchive(archive, [web], { faults: [omit(layerOf(web, 0))] });
    const tar = await openDiskFile(archive);
    onTestFinished(() => tar.close());
    const { host } = engineOf('containerd');
    await expect(loadIntoEngine(tar, [expectedImage(web)], { host })).rejects.toMatchObject({
      code: 'load-failed',
    });
  });
});
