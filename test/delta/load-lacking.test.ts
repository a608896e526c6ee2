import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { openCache } from '../../src/blocks/cache.ts';
import { prepareBundle, type PreparedBundle } from '../../src/bundle/prepare-bundle.ts';
import { openTarWithout } from '../../src/delta/tar-without.ts';
import type { DiffId } from '../../src/digest.ts';
import { type LoadedImage, loadIntoEngine } from '../../src/outputs/load-into-engine.ts';
import { buildSampleImages, type FixtureImage } from '../fixtures/sample-images.ts';
import { writeHybridArchive } from '../fixtures/write-hybrid-archive.ts';
import { createMemorySource } from '../support/memory-source.ts';
import { startNewerEngine } from '../support/newer-engine.ts';
import { makeTempFolder } from '../support/temp-folder.ts';
import { startEngine, type ThrowawayEngine } from '../support/throwaway-engine.ts';

const run = promisify(execFile);
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const stores = ['20.10', 'a newer engine with a graph driver', 'a newer engine in containerd'] as const;
const engines = new Map<string, ThrowawayEngine>();
let before: readonly FixtureImage[];
let after: readonly FixtureImage[];

beforeAll(async () => {
  before = await buildSampleImages({ revision: 1 });
  after = await buildSampleImages({ revision: 2 });
  engines.set('20.10', await startEngine());
  engines.set('a newer engine with a graph driver', await startNewerEngine('graph driver'));
  engines.set('a newer engine in containerd', await startNewerEngine('containerd'));
});
afterAll(async () => {
  for (const engine of engines.values()) await engine[Symbol.asyncDispose]();
});
afterEach(async () => {
  for (const engine of engines.values()) {
    const ids = new Set((await engine.docker('images', '-aq', '--no-trunc')).split('\n').filter(Boolean));
    if (ids.size > 0) await engine.docker('rmi', '-f', ...ids);
  }
});

function engineOf(store: string): ThrowawayEngine {
  const engine = engines.get(store);
  if (engine === undefined) throw new RangeError(`There is no engine ${store}`);
  return engine;
}

async function loadBefore(engine: ThrowawayEngine): Promise<void> {
  const archive = join(await makeTempFolder(), 'before.tar');
  await writeHybridArchive(archive, before);
  await engine.docker('load', '-q', '-i', archive);
}

async function prepare(images: readonly FixtureImage[]): Promise<PreparedBundle> {
  const cache = await openCache(join(await makeTempFolder(), 'cache'));
  const profile = { preset: 0, extreme: false, check: 'crc64' } as const;
  return prepareBundle({ source: createMemorySource(images), references: [], cache, profile });
}

interface Sent {
  readonly loaded: readonly LoadedImage[];
  readonly size: number;
  readonly omitted: readonly (readonly DiffId[])[];
}

async function load(engine: ThrowawayEngine, bundle: PreparedBundle): Promise<Sent> {
  const omitted: DiffId[][] = [];
  let size = 0;
  const loaded = await loadIntoEngine(bundle.tar, bundle.images, {
    host: engine.host,
    manifestDigests: bundle.assembled.manifestDigests,
    openWithout: (layers) => {
      omitted.push([...layers]);
      return openTarWithout(bundle, layers);
    },
    onProgress: (done) => (size = done),
  });
  return { loaded, size, omitted };
}

/** Whether what the engine saves of an image has every layer of it, whole. */
async function savesWhole(engine: ThrowawayEngine, name: string): Promise<boolean> {
  const file = join(await makeTempFolder(), 'saved.tar');
  await engine.docker('save', '-o', file, name);
  const listing = await run('tar', ['-xOf', file, 'manifest.json']);
  const [manifest] = JSON.parse(listing.stdout) as { Layers: string[] }[];
  const layers = JSON.parse(
    await engine.docker('inspect', '-f', '{{json .RootFS.Layers}}', name),
  ) as string[];
  const hashes: string[] = [];
  for (const member of manifest?.Layers ?? []) {
    const { stdout } = await run('sh', ['-c', 'tar -xOf "$1" "$2" | sha256sum', 'sh', file, member]).catch(
      () => ({
        stdout: '',
      }),
    );
    hashes.push(`sha256:${stdout.slice(0, 64)}`);
  }
  return JSON.stringify(hashes) === JSON.stringify(layers);
}

describe('loadIntoEngine, of a bundle whose layers are there in part', () => {
  it.each(stores.slice(0, 2))(
    'sends %s only the layers it lacks, by chain, and the images are whole',
    async (store) => {
      const engine = engineOf(store);
      await loadBefore(engine);
      await using bundle = await prepare(after);
      const { loaded, size, omitted } = await load(engine, bundle);
      expect(loaded.filter(({ status }) => status === 'loaded').map(({ name }) => name)).toEqual([
        'tiny/web:1.1',
        'tiny/web:latest',
      ]);
      // web's layer healthcheck is there above another layer than now, so that it must be sent.
      expect(omitted[0]?.length).toBeGreaterThan(2);
      expect(size).toBeLessThan(bundle.assembled.tarSize / 4);
      for (const { name } of loaded) expect(await savesWhole(engine, name)).toBe(true);
      expect(await engine.docker('ps', '-aq')).toBe('');
      expect((await load(engine, bundle)).size).toBe(0);
    },
  );

  it('sends all of it after all where somebody removes the base meanwhile', async () => {
    const engine = engineOf('20.10');
    await loadBefore(engine);
    await using bundle = await prepare(after);
    const loaded = await loadIntoEngine(bundle.tar, bundle.images, {
      host: engine.host,
      openWithout(layers) {
        const file = openTarWithout(bundle, layers);
        return {
          ...file,
          async *stream(options) {
            await engine.docker('rmi', '-f', ...before.flatMap(({ tags }) => tags));
            yield* file.stream(options);
          },
        };
      },
    });
    expect(new Set(loaded.map(({ name }) => name))).toEqual(new Set(after.flatMap(({ tags }) => tags)));
    expect(await savesWhole(engine, 'tiny/web:1.1')).toBe(true);
  });

  it('sends an engine in containerd all of it, so that its store is whole also where the base was pulled', async () => {
    const engine = engineOf('a newer engine in containerd');
    await loadBefore(engine);
    await using bundle = await prepare(after);
    const { loaded, size, omitted } = await load(engine, bundle);
    expect([size, omitted]).toEqual([bundle.assembled.tarSize, []]);
    for (const { name } of loaded) expect(await savesWhole(engine, name)).toBe(true);
  });

  it.each(stores)('sends %s all of it where nothing of it is there', async (store) => {
    await using bundle = await prepare(after);
    const { size } = await load(engineOf(store), bundle);
    expect(size).toBe(bundle.assembled.tarSize);
  });
});

describe('openTarWithout', () => {
  it('is the bundle tar without these layers, by stream and by random reads', async () => {
    await using bundle = await prepare(after);
    const [first] = bundle.assembled.layers;
    if (first === undefined) throw new TypeError('There is no layer');
    const whole = openTarWithout(bundle, new Set());
    expect(await hashOf(whole.stream())).toBe(await hashOf(bundle.tar.stream()));
    const tar = openTarWithout(bundle, new Set([first.diffId]));
    expect(bundle.assembled.tarSize - tar.size).toBe(512 + Math.ceil(first.size / 512) * 512);
    const folder = await makeTempFolder();
    const file = join(folder, 'without.tar');
    await writeFile(file, tar.stream());
    const bytes = Buffer.alloc(5000);
    const position = Math.floor(tar.size / 2);
    expect(await tar.read(bytes, position)).toBe(5000);
    expect((await readFile(file)).subarray(position, position + 5000).equals(bytes)).toBe(true);
    const { stdout } = await run('tar', ['-tf', file]);
    expect(stdout).not.toContain(first.diffId.slice(7));
    expect(stdout.split('\n').length).toBeGreaterThan(bundle.assembled.layers.length);
  });
});

async function hashOf(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of stream) hash.update(chunk);
  return hash.digest('hex');
}
