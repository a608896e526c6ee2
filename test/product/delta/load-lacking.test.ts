import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { openCache } from '../../../src/cache/cache.ts';
import { prepareBundle, type PreparedBundle } from '../../../src/bundle/prepare-bundle.ts';
import { openTarWithout } from '../../../src/bundle/bundle-parts.ts';
import type { DiffId } from '../../../src/ground/digest.ts';
import { type LoadedImage, loadIntoEngine } from '../../../src/place/engine/load-into-engine.ts';
import { buildSampleImages, type FixtureImage } from '../../fixtures/sample-images.ts';
import { writeHybridArchive } from '../../fixtures/write-hybrid-archive.ts';
import { createMemorySource } from '../../support/memory-source.ts';
import { makeTempFolder } from '../../support/temp-folder.ts';
import { startRegistry } from '../../support/throwaway-registry.ts';
import type { ThrowawayEngine } from '../../support/throwaway-engine.ts';
import {
  engineNames,
  type EnginesOfEachKind,
  graphDrivers,
  inContainerd,
  savesWhole,
  startEngines,
} from './engines-of-each-kind.ts';

const run = promisify(execFile);
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

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

async function loadBefore(engine: ThrowawayEngine): Promise<void> {
  const archive = join(await makeTempFolder(), 'before.tar');
  await writeHybridArchive(archive, before);
  await engine.docker('load', '-q', '-i', archive);
}

/** From a registry, which has compressed layers: those are what a containerd image store then has. */
async function pullBefore(engine: ThrowawayEngine): Promise<void> {
  await using registry = await startRegistry();
  await registry.fill(before);
  for (const tag of before.flatMap(({ tags }) => tags)) {
    await engine.docker('pull', '-q', `${registry.host}/${tag}`);
    await engine.docker('tag', `${registry.host}/${tag}`, tag);
  }
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

describe('loadIntoEngine, of a bundle whose layers are there in part', () => {
  it.each(graphDrivers)(
    'sends %s only the layers it lacks, by chain, and the images are whole',
    async (store) => {
      const engine = engines.get(store);
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
    const engine = engines.get('20.10');
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
    const engine = engines.get(inContainerd);
    await pullBefore(engine);
    await using bundle = await prepare(after);
    const { loaded, size, omitted } = await load(engine, bundle);
    expect([size, omitted]).toEqual([bundle.assembled.tarSize, []]);
    for (const { name } of loaded) expect(await savesWhole(engine, name)).toBe(true);
  });

  it.each(engineNames)('sends %s all of it where nothing of it is there', async (store) => {
    await using bundle = await prepare(after);
    const { size } = await load(engines.get(store), bundle);
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
    const { stdout } = await run('tar', ['-tvf', file]);
    expect(stdout).not.toContain(first.diffId.slice(7));
    // Without an OCI part, or with a member of no bytes for a layer, containerd's store would be poisoned.
    for (const name of ['index.json', 'oci-layout', 'manifest.json']) expect(stdout).toContain(` ${name}\n`);
    expect(stdout).not.toMatch(/^-\S+ \S+ +0 /m);
    expect(stdout.split('\n').length).toBeGreaterThan(bundle.assembled.layers.length);
  });
});

async function hashOf(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of stream) hash.update(chunk);
  return hash.digest('hex');
}
