import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { hexOf } from '../../../src/ground/digest.ts';
import { BundleError } from '../../../src/ground/errors.ts';
import type { Image } from '../../../src/image/image.ts';
import { parseReference } from '../../../src/image/reference.ts';
import { openEngineSource } from '../../../src/place/engine/engine-source.ts';
import type { LayerSink, ReadImagesOptions } from '../../../src/image/image-source.ts';
import { expectedImage } from '../../fixtures/expected-image.ts';
import {
  buildBareImage,
  buildOddImages,
  buildSampleImages,
  type FixtureImage,
} from '../../fixtures/sample-images.ts';
import { writeLegacyArchive } from '../../fixtures/write-legacy-archive.ts';
import { startEngine, type ThrowawayEngine } from '../../support/throwaway-engine.ts';
import { createRecordingSink } from '../recording-sink.ts';

let engine: ThrowawayEngine;
let web: FixtureImage;
let worker: FixtureImage;
let odd: FixtureImage;
let untagged: FixtureImage;

beforeAll(async () => {
  engine = await startEngine();
  const images = [...(await buildSampleImages()), ...(await buildOddImages())];
  const [first, second, , fourth, fifth] = images;
  if (!first || !second || !fourth || !fifth) throw new TypeError('Fixtures are missing');
  [web, worker, odd, untagged] = [first, second, fourth, fifth];
  await load(engine, [...images, buildBareImage()]);
});
afterAll(() => engine[Symbol.asyncDispose]());

async function load(into: ThrowawayEngine, images: readonly FixtureImage[]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'bfs-'));
  try {
    await writeLegacyArchive(join(folder, 'images.tar'), images);
    await into.docker('load', '-q', '-i', join(folder, 'images.tar'));
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function read(
  names: readonly string[],
  sink: LayerSink = createRecordingSink(),
  options: ReadImagesOptions = {},
  host = engine.host,
): Promise<readonly Image[]> {
  const source = await openEngineSource({ host });
  try {
    return await source.readImages(names.map(parseReference), sink, options);
  } finally {
    await source.close();
  }
}

describe('readImages of a docker engine', () => {
  it('returns images as they were loaded, with the tags asked for, and hands over their layers', async () => {
    const sink = createRecordingSink();
    const progress: [number, number | undefined][] = [];
    const images = await read(['tiny/web:latest', 'tiny/odd-again:1', 'localhost:5000/odd:1'], sink, {
      onRead: (done, total) => progress.push([done, total]),
    });
    expect(images).toHaveLength(2);
    for (const [index, fixture] of [web, odd].entries()) {
      const { configDigest, layers } = expectedImage(fixture);
      expect(images[index]).toMatchObject({ configDigest, layers });
      expect(Buffer.from(images[index]?.config ?? []).equals(fixture.config)).toBe(true);
      for (const [place, diffId] of layers.entries()) {
        expect(sink.layers.get(diffId)?.equals(fixture.layers[place] ?? Buffer.alloc(0))).toBe(true);
      }
    }
    expect(images.map(({ tags }) => tags)).toEqual([
      ['docker.io/tiny/web:latest'],
      ['docker.io/tiny/odd-again:1', 'localhost:5000/odd:1'],
    ]);
    const [last = [0, 0]] = progress.slice(-1);
    expect(last[0]).toBeGreaterThan(web.layers.reduce((sum, layer) => sum + layer.length, 0));
    expect(progress.every(([done, total]) => total !== undefined && total >= done)).toBe(true);
  });

  it('finds all images whose names match a pattern, with these names', async () => {
    const images = await read(['tiny/w*:1.?', 'localhost:5000/*']);
    expect(images.map(({ configDigest, tags }) => [configDigest, tags])).toEqual([
      [expectedImage(web).configDigest, ['docker.io/tiny/web:1.0']],
      [expectedImage(worker).configDigest, ['docker.io/tiny/worker:1.0']],
      [expectedImage(odd).configDigest, ['localhost:5000/odd:1']],
    ]);
    await expect(read(['tiny/wbe:*'])).rejects.toMatchObject({
      code: 'image-not-found',
      hint: expect.stringMatching(/^Did you mean tiny\/web:/) as string,
    });
  });

  it('wants the platform of each reference that names one', async () => {
    const other = { architecture: 'riscv64', os: 'linux' };
    const source = await openEngineSource({ host: engine.host });
    onTestFinished(() => source.close());
    const references = [
      parseReference('tiny/worker:1.0'),
      { ...parseReference('tiny/w*:1.0'), platform: other },
    ];
    await expect(source.readImages(references, createRecordingSink())).rejects.toMatchObject({
      code: 'image-not-found',
      message: expect.stringContaining('for linux/riscv64') as string,
    });
  });

  it('finds an image by its id and by the start of that, with no tags', async () => {
    const { configDigest, layers } = expectedImage(untagged);
    const expected = [{ configDigest, layers, tags: [] }];
    expect(await read([configDigest])).toMatchObject(expected);
    expect(await read([hexOf(configDigest).slice(0, 12)])).toMatchObject(expected);
  });

  it('exports nothing of which config and layers are at hand', async () => {
    const { configDigest, layers } = expectedImage(worker);
    const sink = createRecordingSink(layers);
    await sink.keepConfig(configDigest, worker.config);
    const progress: number[] = [];
    const images = await read(['tiny/worker:1.0'], sink, { onRead: (done) => progress.push(done) });
    expect(images).toMatchObject([{ configDigest, layers, tags: ['docker.io/tiny/worker:1.0'] }]);
    expect([sink.addedCount, progress]).toEqual([0, []]);
  });

  it('exports again where a layer is not at hand any more', async () => {
    const { configDigest, layers } = expectedImage(worker);
    const sink = createRecordingSink(layers.slice(1));
    await sink.keepConfig(configDigest, worker.config);
    await read(['tiny/worker:1.0'], sink);
    expect([...sink.layers.keys()]).toContain(layers[0]);
  });

  it('names near misses of an image that is not there', async () => {
    await expect(read(['tiny/web:2.0'])).rejects.toMatchObject({
      code: 'image-not-found',
      hint: 'Did you mean tiny/web:1.0, tiny/web:latest?',
    });
    await expect(read(['0123456789ab'])).rejects.toMatchObject({ code: 'image-not-found' });
    await expect(read([`tiny/web@sha256:${'0'.repeat(64)}`])).rejects.toMatchObject({
      code: 'image-not-found',
    });
  });

  it('wants names, and says which there are', async () => {
    await expect(read([])).rejects.toMatchObject({
      code: 'invalid-argument',
      hint: expect.stringContaining('library-odd:1, localhost:5000/odd:1') as string,
    });
  });

  it('gives the reason where the engine cannot export an image', async () => {
    await expect(read(['tiny/bare:1'])).rejects.toMatchObject({
      code: 'source-failed',
      message: expect.stringContaining('empty export') as string,
    });
  });

  it('fails where the engine is killed in the middle of an export', async () => {
    const mortal = await startEngine();
    onTestFinished(() => mortal[Symbol.asyncDispose]());
    const [big] = await buildSampleImages({ scale: 10 });
    if (big === undefined) throw new TypeError('There is no fixture');
    await load(mortal, [big]);
    const options = {
      onRead: () => {
        mortal.kill();
      },
    };
    await expect(read(['tiny/web:1.0'], createRecordingSink(), options, mortal.host)).rejects.toMatchObject({
      code: 'source-failed',
    });
  });

  it('stops when it is aborted', async () => {
    const controller = new AbortController();
    const reason = new BundleError('interrupted', 'Stopped');
    const options: ReadImagesOptions = {
      signal: controller.signal,
      onRead: () => {
        controller.abort(reason);
      },
    };
    await expect(read(['tiny/web:1.0'], createRecordingSink(), options)).rejects.toBe(reason);
    await expect(openEngineSource({ host: engine.host, signal: controller.signal })).rejects.toBe(reason);
  });
});
