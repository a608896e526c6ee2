import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { makeImage } from '../../../sample/make-image.mjs';
import { openCache } from '../../../src/cache/cache.ts';
import { type Bundle } from '../../../src/bundle/open-bundle.ts';
import { prepareBundle } from '../../../src/bundle/prepare-bundle.ts';
import { type BaseImage, createEngineDelta } from '../../../src/product/delta/engine-delta.ts';
import type { EngineKind } from '../../../src/image/engine-kinds.ts';
import { type DiffId, type Digest, digestOf } from '../../../src/ground/digest.ts';
import { buildSampleImages, type FixtureImage } from '../../fixtures/sample-images.ts';
import { type HybridArchiveOptions, writeHybridArchive } from '../../fixtures/write-hybrid-archive.ts';
import {
  findTool,
  runScript,
  type RunScriptOptions,
  type ScriptResult,
  shells,
} from '../stick/run-script.ts';
import { startContainerd } from '../stick/throwaway-containerd.ts';
import { createMemorySource } from '../../support/memory-source.ts';
import { runCli, runCliOk } from '../../support/run-cli.ts';
import { makeTempFolder } from '../../support/temp-folder.ts';
import type { ThrowawayEngine } from '../../support/throwaway-engine.ts';
import {
  type EngineName,
  engineNames,
  type EnginesOfEachKind,
  graphDrivers,
  inContainerd,
  savesWhole,
  startEngines,
} from './engines-of-each-kind.ts';

const run = promisify(execFile);
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

/** What a machine must have besides the shell and docker: docs/offline-target.md lists the same. */
const loadTools = ['cat', 'cut', 'ls', 'sha256sum', 'sort', 'tail', 'tar', 'tr', 'xz'];
const kinds: Readonly<Record<EngineName, EngineKind>> = {
  '20.10': 'docker',
  'a newer engine with a graph driver': 'docker',
  [inContainerd]: 'containerd-store',
};
let engines: EnginesOfEachKind;
let before: readonly FixtureImage[];
let after: readonly FixtureImage[];

beforeAll(async () => {
  before = await buildSampleImages({ revision: 1 });
  after = await buildSampleImages({ revision: 2 });
  engines = await startEngines();
});
afterAll(() => engines[Symbol.asyncDispose]());
afterEach(() => engines.removeImages());

async function prepare(images: readonly FixtureImage[]): Promise<Bundle> {
  const cache = await openCache(join(await makeTempFolder(), 'cache'));
  const profile = { preset: 0, extreme: false, check: 'crc64' } as const;
  return prepareBundle({ source: createMemorySource(images), references: [], cache, profile });
}

/** As a customer does with a stick of ours. */
async function loadBundle(engine: ThrowawayEngine, images: readonly FixtureImage[]): Promise<void> {
  await using bundle = await prepare(images);
  const file = join(await makeTempFolder(), 'images.tar');
  await writeFile(file, bundle.tar.stream());
  await engine.docker('load', '-q', '-i', file);
}

/** With `gzipLayers`, what a containerd image store has after a pull: compressed layers. */
async function loadArchive(
  engine: ThrowawayEngine,
  images: readonly FixtureImage[],
  options?: HybridArchiveOptions,
): Promise<void> {
  const file = join(await makeTempFolder(), 'images.tar');
  await writeHybridArchive(file, images, options);
  await engine.docker('load', '-q', '-i', file);
}

async function describeBase(images: readonly FixtureImage[]): Promise<BaseImage[]> {
  await using bundle = await prepare(images);
  return bundle.images.flatMap(({ tags, layers, configDigest }) => {
    const manifest = bundle.assembled.manifestDigests.get(configDigest);
    return manifest === undefined ? [] : [{ names: tags, layers, manifest }];
  });
}

async function makeDelta(
  kind: EngineKind,
  base: readonly BaseImage[],
): Promise<{
  readonly path: string;
  readonly size: number;
  readonly fullSize: number;
  readonly omitted: number;
}> {
  await using bundle = await prepare(after);
  const delta = await createEngineDelta(bundle, base, kind, { tool: 'bundlefs 9.9.9' });
  const path = join(await makeTempFolder(), 'update.delta');
  await writeFile(path, delta.file.stream());
  return { path, size: delta.file.size, fullSize: bundle.xz.size, omitted: delta.omittedCount };
}

function load(
  engine: ThrowawayEngine,
  path: string,
  args: readonly string[] = [],
  options: RunScriptOptions = {},
): Promise<ScriptResult> {
  const env = { DOCKER_HOST: engine.host };
  return runScript(path, args, { only: loadTools, engines: ['docker'], env, ...options });
}

/** A registry of this test's own; returns its address. */
async function startRegistry(): Promise<string> {
  const folder = await makeTempFolder();
  const settings = join(folder, 'c.yml');
  const storage = `storage: {filesystem: {rootdirectory: ${folder}/r}}`;
  // Port 0 is any free one; which, it says when it has begun to listen.
  await writeFile(settings, `version: 0.1\n${storage}\nhttp: {addr: "127.0.0.1:0"}\n`);
  const registry = spawn('docker-registry', ['serve', settings], { stdio: ['ignore', 'ignore', 'pipe'] });
  onTestFinished(async () => {
    registry.kill('SIGKILL');
    if (registry.exitCode === null && registry.signalCode === null) await once(registry, 'exit');
  });
  return new Promise((resolve, reject) => {
    let said = '';
    // Read to its end: a log that nobody reads would stop the registry.
    registry.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      const port = /listening on [^ ]*:(\d+)/.exec(said)?.[1];
      if (port !== undefined) resolve(`127.0.0.1:${port}`);
    });
    registry.once('exit', () => {
      reject(new Error(`The registry did not start: ${said}`));
    });
  });
}

async function listImages(engine: ThrowawayEngine): Promise<string[]> {
  return (await engine.docker('images', '--format', '{{.Repository}}:{{.Tag}} {{.ID}}')).split('\n').sort();
}

describe('a delta for an engine', () => {
  it.each(engineNames)('adds what the base images lack in %s, and checks each image', async (name) => {
    const engine = engines.get(name);
    await loadBundle(engine, before);
    const { path, size, fullSize, omitted } = await makeDelta(kinds[name], await describeBase(before));
    expect(omitted).toBeGreaterThan(2);
    expect(size).toBeLessThan(fullSize / 4);
    const tried = await load(engine, path, ['--dry-run']);
    expect([tried.status, tried.said]).toEqual([0, expect.stringContaining('Nothing was changed')]);
    const { status, said } = await load(engine, path);
    expect([status, said]).toEqual([0, expect.stringMatching(/Done: \d image names are there/)]);
    for (const tag of after.flatMap(({ tags }) => tags)) {
      const image = after.find(({ tags }) => tags.includes(tag));
      const layers = JSON.parse(
        await engine.docker('inspect', '-f', '{{json .RootFS.Layers}}', tag),
      ) as string[];
      expect(layers).toEqual(image?.layers.map((layer) => digestOf(layer)));
      expect(await savesWhole(engine, tag)).toBe(true);
    }
    expect(await engine.docker('ps', '-aq')).toBe('');
    expect((await load(engine, path)).status).toBe(0);
  });

  it.each(shells)('loads under %s', async (shell) => {
    const engine = engines.get('20.10');
    await loadBundle(engine, before);
    const { path } = await makeDelta('docker', await describeBase(before));
    expect((await load(engine, path, [], { shell })).status).toBe(0);
  });

  it('stopped between loading and checking, leaves every name where it was', async () => {
    const engine = engines.get('20.10');
    await loadBundle(engine, before);
    const { path } = await makeDelta('docker', await describeBase(before));
    const images = await listImages(engine);
    const first = await makeTempFolder();
    const script = `#!/bin/sh
[ "$1" != load ] || { ${findTool('docker')} load; kill -TERM "$(cat ${first}/pid)"; exit; }
exec ${findTool('docker')} "$@"
`;
    await writeFile(join(first, 'docker'), script, { mode: 0o755 });
    const onStart = (pid: number): void => {
      writeFileSync(join(first, 'pid'), String(pid));
    };
    const { status, said } = await load(engine, path, [], { first, onStart });
    expect([status, said]).toEqual([130, expect.stringContaining('point to what they did before')]);
    const named = (list: readonly string[]): string[] => list.filter((line) => !line.startsWith('<none>'));
    expect(named(await listImages(engine))).toEqual(named(images));
    expect((await load(engine, path)).status).toBe(0);
  });

  it('loads without xz on the machine where the engine has it', async () => {
    const engine = engines.get('20.10');
    await loadBundle(engine, before);
    const { path } = await makeDelta('docker', await describeBase(before));
    const only = loadTools.filter((tool) => tool !== 'xz');
    expect((await load(engine, path, [], { only })).status).toBe(0);
  });
});

describe('a delta for an engine is refused, and changes nothing', () => {
  async function expectRefused(
    engine: ThrowawayEngine,
    path: string,
    status: number,
    said: RegExp,
    options?: RunScriptOptions,
  ): Promise<void> {
    const images = await listImages(engine);
    const result = await load(engine, path, [], options);
    expect([result.status, result.said]).toEqual([status, expect.stringMatching(said)]);
    expect(await listImages(engine)).toEqual(images);
  }

  it.each(engineNames)('where the base is not in %s: names the layers and the images', async (name) => {
    const engine = engines.get(name);
    const base = await describeBase(before);
    const { path } = await makeDelta(kinds[name], base);
    await expectRefused(engine, path, 9, /layers that this delta builds upon are not in this engine:/);
    const { said } = await load(engine, path);
    // All chains at once, so that one trip is enough. The topmost layer lies above a changed one in web, and is brought.
    const isWorker = ({ names }: BaseImage): boolean => names.some((one) => one.includes('worker'));
    const layers = new Set(base.flatMap((image) => image.layers.slice(0, isWorker(image) ? 3 : 2)));
    for (const layer of layers) expect(said.split(layer)).toHaveLength(2);
    expect(said).toContain(`Cannot load: ${layers.size} of the layers`);
    expect(said).toMatch(/They belong to: (?=.*tiny\/web:1\.0)(?=.*tiny\/worker:1\.0)(?=.*tiny\/db:5)/);
  });

  it.each(graphDrivers)('where %s has only the lowest layer of it: names the others', async (name) => {
    const engine = engines.get(name);
    const [web] = before;
    if (web === undefined) throw new TypeError('There is no fixture');
    await loadBundle(engine, before.slice(2)); // db, which has the base alone in common
    const { path } = await makeDelta('docker', await describeBase(before));
    const lowest = digestOf(web.layers[0] ?? Buffer.alloc(0));
    const second = digestOf(web.layers[1] ?? Buffer.alloc(0));
    await expectRefused(engine, path, 9, new RegExp(`not in this engine:\\s+${second}`));
    const { said } = await load(engine, path);
    expect(said).not.toContain(lowest);
  });

  it('where a layer is there, but above others', async () => {
    const engine = engines.get('20.10');
    const [lowest, second] = before[0]?.layers ?? [];
    if (lowest === undefined || second === undefined) throw new TypeError('There is no fixture');
    await loadBundle(engine, [
      makeImage({ name: 'turned', tags: ['tiny/turned:1'], layers: [second, lowest] }),
    ]);
    const { path } = await makeDelta('docker', await describeBase(before));
    const digest = digestOf(lowest);
    await expectRefused(engine, path, 9, new RegExp(`are not in this engine:\\s+${digest}`));
  });

  it('by an engine of the other kind, each way', async () => {
    const base = await describeBase(before);
    const { path: forDocker } = await makeDelta('docker', base);
    const { path: forContainerd } = await makeDelta('containerd-store', base);
    await expectRefused(engines.get(inContainerd), forDocker, 4, /made with --for containerd-store/);
    await expectRefused(engines.get('20.10'), forContainerd, 4, /made with --for docker/);
    await expectRefused(engines.get(graphDrivers[1]), forContainerd, 4, /made with --for docker/);
  });

  it('in containerd where the base was pulled: its store has files, and not layers as they were packed', async () => {
    const engine = engines.get(inContainerd);
    const host = await startRegistry();
    const folder = await makeTempFolder();
    const archive = join(folder, 'base.tar');
    await writeHybridArchive(archive, before);
    for (const tag of before.flatMap(({ tags }) => tags)) {
      const copy = ['copy', '-q', '--dest-tls-verify=false'];
      await run('skopeo', [...copy, `docker-archive:${archive}:${tag}`, `docker://${host}/${tag}`]);
      await engine.docker('pull', '-q', `${host}/${tag}`);
      await engine.docker('tag', `${host}/${tag}`, tag);
    }
    const { path } = await makeDelta('containerd-store', await describeBase(before));
    await expectRefused(engine, path, 9, /could be run, but never be saved or pushed/);
  });

  it('where it is damaged or cut off, where no engine answers, and by podman under the name of docker', async () => {
    const engine = engines.get('20.10');
    const { path } = await makeDelta('docker', await describeBase(before));
    const env = { DOCKER_HOST: 'unix:///nowhere/s' };
    await expectRefused(engine, path, 4, /Cannot reach the engine/, { env });
    await expectRefused(engine, path, 3, /there is no docker/, { engines: [] });
    const first = await makeTempFolder();
    await writeFile(join(first, 'docker'), '#!/bin/sh\nexec podman "$@"\n', { mode: 0o755 });
    await expectRefused(engine, path, 4, /Cannot load into podman/, { first, engines: ['podman'] });
    await appendFile(path, 'x');
    await expectRefused(engine, path, 5, /changed on its way/);
  });

  it.each(shells)('wherever it ends, under %s', async (shell) => {
    const engine = engines.get('20.10');
    const { path } = await makeDelta('docker', await describeBase(before));
    const bytes = await readFile(path);
    const text = bytes.indexOf('load_main "$@"; exit\n');
    const images = await listImages(engine);
    const ends = Array.from({ length: Math.floor(text / 512) }, (_, index) => (index + 1) * 512);
    for (const end of [...ends, text, text + 'load_main "$@"'.length]) {
      await writeFile(path, bytes.subarray(0, end));
      const { status, said } = await load(engine, path, [], { shell });
      expect([end, status === 0, said === '']).toEqual([end, false, false]);
    }
    expect(await listImages(engine)).toEqual(images);
  });
});

/** The archive in a delta, in a file of its own. */
async function cutOutArchive(delta: string, path: string): Promise<void> {
  const text = await readFile(delta);
  await writeFile(
    path,
    text.subarray(text.indexOf('load_main "$@"; exit\n') + 'load_main "$@"; exit\n'.length),
  );
}

it.each(['docker', 'containerd-store'] as const)(
  'its archive for %s leaves layers out whole: none has no bytes, and the OCI part is there',
  async (kind) => {
    const { path, omitted } = await makeDelta(kind, await describeBase(before));
    const folder = await makeTempFolder();
    const lacking = join(folder, 'lacking.tar.xz');
    await cutOutArchive(path, lacking);
    const { stdout } = await run('tar', ['-tvJf', lacking]);
    for (const name of ['index.json', 'oci-layout', 'manifest.json']) expect(stdout).toContain(` ${name}\n`);
    // Containerd would take a member of no bytes for a layer, and push it.
    expect(stdout).not.toMatch(/^-\S+ \S+ +0 /m);
    const { stdout: index } = await run('tar', ['-xJOf', lacking, 'manifest.json']);
    const named = new Set((JSON.parse(index) as { Layers: string[] }[]).flatMap(({ Layers }) => Layers));
    const missing = [...named].filter((name) => !stdout.includes(` ${name}\n`));
    expect(missing).toHaveLength(omitted);
  },
);

it('its archive makes ctr fail and leave names behind, for a base that it lacks: why there is no --for containerd', async () => {
  const { path } = await makeDelta('containerd-store', await describeBase(before));
  const folder = await makeTempFolder();
  const lacking = join(folder, 'lacking.tar');
  await cutOutArchive(path, `${lacking}.xz`);
  await run('xz', ['-d', `${lacking}.xz`]);
  await using containerd = await startContainerd();
  await expect(containerd.ctr('images', 'import', lacking)).rejects.toThrow();
  const names = await containerd.ctr('images', 'ls', '-q');
  expect(names).toContain('docker.io/tiny/web:1.1');
  await expect(containerd.ctr('images', 'mount', 'docker.io/tiny/web:1.1', folder)).rejects.toThrow();
});

it('its archive is refused by podman and by skopeo, also where podman has the base: why there is no --for for them', async () => {
  const { path } = await makeDelta('docker', await describeBase(before));
  const folder = await makeTempFolder();
  const [base, lacking] = [join(folder, 'base.tar'), join(folder, 'lacking.tar.xz')];
  await writeHybridArchive(base, before);
  await cutOutArchive(path, lacking);
  const podman = (file: string): Promise<unknown> =>
    run('podman', [
      ...['--root', join(folder, 'r'), '--runroot', join(folder, 'rr'), '--storage-driver', 'vfs'],
      ...['--events-backend', 'none', 'load', '-q', '-i', file],
    ]);
  await podman(base);
  await expect(podman(lacking)).rejects.toThrow(/layer tarfiles are missing/);
  const copied = run('skopeo', [
    'copy',
    '-q',
    `docker-archive:${lacking}:tiny/web:1.1`,
    `dir:${folder}/copy`,
  ]);
  await expect(copied).rejects.toThrow(/missing in the tarball/);
});

it('a delta for an engine in containerd finds a hollow image afterwards, and takes its name back', async () => {
  const engine = engines.get(inContainerd);
  await loadArchive(engine, before, { gzipLayers: true });
  // What the check beforehand would refuse: a base that claims to have come from a bundle.
  const base: BaseImage[] = [];
  for (const { tags, layers } of before) {
    const manifest = (await engine.docker('inspect', '-f', '{{.Id}}', tags[0] ?? '')).trim() as Digest;
    base.push({ names: tags, layers: layers.map((layer) => digestOf(layer) as DiffId), manifest });
  }
  const { path } = await makeDelta('containerd-store', base);
  const { status, said } = await load(engine, path);
  expect([status, said]).toEqual([
    7,
    expect.stringMatching(/BROKEN .*tiny\/web:1\.1: the store lacks its layer/),
  ]);
  expect((await listImages(engine)).join('\n')).not.toContain('tiny/web:1.1');
});

describe('bundlefs delta --for', () => {
  it.each([
    ['podman', 'podman wants every layer in the archive'],
    ['skopeo', 'skopeo checks every layer'],
    ['containerd', 'ctr leaves names of images behind'],
  ])('refuses %s, says why, and names what does work', async (kind, why) => {
    const folder = await makeTempFolder();
    const args = ['delta', '--no-config', '--for', kind, '--base', 'a:1', 'a:2', '-o', join(folder, 'x')];
    const { status, stderr } = await runCli(args, { cache: join(folder, 'cache') });
    expect([status, stderr]).toEqual([2, expect.stringContaining(why)]);
    expect(stderr).toContain('Send the full bundle');
  });

  /** A cache that knows the bundle of before, and what makes the delta to after. */
  async function prepareDelta(): Promise<{
    readonly args: readonly string[];
    readonly path: string;
    readonly cache: string;
  }> {
    const folder = await makeTempFolder();
    const cache = join(folder, 'cache');
    const [first, second] = [join(folder, '1.tar'), join(folder, '2.tar')];
    await writeHybridArchive(first, before);
    await writeHybridArchive(second, after);
    const common = ['--no-config', '--preset', '0', '--from'];
    await runCliOk(['build', ...common, first, '-o', join(folder, 'old.tar.xz')], { cache });
    const path = join(folder, 'update.delta');
    return { args: ['delta', ...common, second, '-o', path], path, cache };
  }

  it('takes images or a build of the journal as the base, and says what must be there', async () => {
    const { args, path, cache } = await prepareDelta();
    const docker = [...args, '--for', 'docker'];
    const { stdout } = await runCliOk([...docker, '--base', '@0'], { cache });
    expect(stdout.toString()).toMatch(/\d of \d layers \([\d.]+ kB unpacked\) must be in the engine/);
    const engine = engines.get('20.10');
    await loadArchive(engine, before);
    expect((await load(engine, path)).status).toBe(0);
    const { stdout: json } = await runCliOk([...docker, '--base', 'tiny/db:5', '--json'], { cache });
    const report = JSON.parse(json.toString()) as { readonly layers: { readonly omitted: number } };
    expect(report.layers.omitted).toBeGreaterThan(0);
    const none = await runCli([...docker, '--base', 'tiny/none:1'], { cache });
    expect(none.status).toBe(3);
  });

  it('takes a reachable engine as the base, and none with the store of containerd', async () => {
    const { args, path, cache } = await prepareDelta();
    const engine = engines.get('20.10');
    await loadArchive(engine, before);
    await runCliOk([...args, '--for', 'docker', '--base', `docker:${engine.host}`], { cache });
    expect((await load(engine, path)).status).toBe(0);
    for (const kind of ['docker', 'containerd-store']) {
      const base = `docker:${engines.get(inContainerd).host}`;
      const untold = await runCli([...args, '--for', kind, '--base', base], { cache });
      expect([untold.status, untold.stderr]).toEqual([2, expect.stringContaining('does not tell which')]);
    }
  });

  it('of a thin image is its one layer, and its files are those of the newer image', async () => {
    const { path, cache } = await prepareDelta();
    const folder = dirname(path);
    const at = (name: string): string => join(folder, name);
    const common = ['--no-config', '--preset', '0'];
    const from = ['--from', at('2.tar'), '--on-from', at('1.tar')];
    const thin = [
      'thin',
      'tiny/web:1.1',
      '--on',
      'tiny/web:1.0',
      '-t',
      'tiny/web:thin',
      '-o',
      at('thin.tar.xz'),
    ];
    await runCliOk([...thin, ...common, ...from], { cache });
    const described = await runCliOk(['describe', ...common, '--from', at('1.tar')], { cache });
    await writeFile(at('base.json'), described.stdout);
    const args = ['delta', ...common, '--for', 'docker', '--base', `recipe:${at('base.json')}`];
    const { stdout } = await runCliOk([...args, '--from', at('thin.tar.xz'), '-o', path, '--json'], {
      cache,
    });
    const { layers } = JSON.parse(stdout.toString()) as { layers: { total: number; omitted: number } };
    expect(layers.total - layers.omitted).toBe(1);
    const engine = engines.get('20.10');
    await loadArchive(engine, before);
    expect((await load(engine, path)).status).toBe(0);
    await loadArchive(engine, after);
    const files: string[] = [];
    for (const name of ['tiny/web:thin', 'tiny/web:1.1']) {
      const id = (await engine.docker('create', name, '/none')).trim();
      await engine.docker('export', '-o', at('files.tar'), id);
      await engine.docker('rm', id);
      files.push(await listFiles(at('files.tar')));
    }
    expect(files[0]).toBe(files[1]);
  });
});

/** Every path with its metadata, and a sum of all contents; without what an engine adds to a container. */
async function listFiles(tar: string): Promise<string> {
  const own = [
    '.dockerenv',
    'dev',
    'etc/hostname',
    'etc/hosts',
    'etc/mtab',
    'etc/resolv.conf',
    'proc',
    'sys',
    'etc',
  ];
  const options = [...own.map((name) => `--exclude=${name}`), '--full-time', '--numeric-owner'];
  const listed = await run('sh', ['-c', 'tar -tvf "$@" | sort', 'sh', tar, ...options]);
  expect(listed.stdout.split('\n').length).toBeGreaterThan(10);
  const sum = await run('sh', ['-c', 'tar --sort=name -xOf "$@" | sha256sum', 'sh', tar, ...options]);
  return listed.stdout + sum.stdout;
}
