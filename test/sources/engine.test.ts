import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { hexOf } from '../../src/digest.ts';
import { BundleError } from '../../src/errors.ts';
import type { Image } from '../../src/image/image.ts';
import { parseReference } from '../../src/image/reference.ts';
import { openEngineSource } from '../../src/sources/engine/engine-source.ts';
import type { LayerSink, ReadImagesOptions } from '../../src/sources/image-source.ts';
import { expectedImage } from '../fixtures/expected-image.ts';
import {
  buildBareImage,
  buildOddImages,
  buildSampleImages,
  type FixtureImage,
} from '../fixtures/sample-images.ts';
import { writeLegacyArchive } from '../fixtures/write-legacy-archive.ts';
import { makeTempFolder } from '../support/temp-folder.ts';
import { startEngine, type ThrowawayEngine } from '../support/throwaway-engine.ts';
import { createRecordingSink } from './recording-sink.ts';

const run = promisify(execFile);

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

async function load({ docker }: ThrowawayEngine, images: readonly FixtureImage[]): Promise<void> {
  const { stdout } = await run('mktemp', ['-u', '/tmp/bfs-XXXXXXXX.tar']);
  const path = stdout.trim();
  try {
    await writeLegacyArchive(path, images);
    await docker('load', '-q', '-i', path);
  } finally {
    await run('rm', ['-f', path]);
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
    for (const [image, fixture] of [
      [images[0], web],
      [images[1], odd],
    ] as const) {
      const { tags: _, ...expected } = expectedImage(fixture);
      expect({ ...image, config: Buffer.from(image?.config ?? []) }).toMatchObject({
        ...expected,
        config: Buffer.from(fixture.config),
      });
      for (const [index, diffId] of expected.layers.entries()) {
        expect(sink.layers.get(diffId)?.equals(fixture.layers[index] ?? Buffer.alloc(0))).toBe(true);
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
    await expect(
      read(['tiny/web:1.0'], createRecordingSink(), options, mortal.host),
    ).rejects.toMatchObject({ code: 'source-failed' });
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

describe('openEngineSource', () => {
  it('goes through ssh', async () => {
    const folder = await makeTempFolder();
    // What ssh does, without the way there: it runs the command behind the host.
    const script = `#!/bin/sh\necho "$@" > ${folder}/arguments\nwhile [ "$1" != -- ]; do shift; done\nshift 2\nDOCKER_HOST=${engine.host} exec "$@"\n`;
    await writeProgram(join(folder, 'ssh'), script);
    usePath(`${folder}:${process.env['PATH'] ?? ''}`);
    const images = await read(['tiny/web:1.0'], createRecordingSink(), {}, 'ssh://me@far:2222');
    expect(images).toMatchObject([{ configDigest: expectedImage(web).configDigest }]);
    expect(await readFile(join(folder, 'arguments'), 'utf8')).toContain(
      '-l me -p 2222 -- far docker system dial-stdio',
    );
  });

  it('says what ssh says where it does not get through', async () => {
    const folder = await makeTempFolder();
    await writeProgram(join(folder, 'ssh'), '#!/bin/sh\necho "Host key verification failed." >&2\nexit 255\n');
    usePath(`${folder}:${process.env['PATH'] ?? ''}`);
    await expect(openEngineSource({ host: 'ssh://far' })).rejects.toMatchObject({
      code: 'source-unreachable',
      message: expect.stringContaining('Host key verification failed') as string,
    });
    usePath(join(folder, 'nothing'));
    await expect(openEngineSource({ host: 'ssh://far' })).rejects.toMatchObject({
      code: 'source-unreachable',
      message: expect.stringContaining('ssh could not be started') as string,
    });
  });

  it('goes through TLS, and refuses an engine that nobody vouches for', async () => {
    const folder = await makeTempFolder();
    await makeCertificates(folder);
    await using front = await startTlsFront(folder, engine.host);
    const openFrom = async (env: Record<string, string>): Promise<string> => {
      useEnvironment({ DOCKER_CONFIG: join(folder, 'none'), DOCKER_HOST: front.url, ...env });
      const source = await openEngineSource();
      await source.close();
      return source.description;
    };
    expect(await openFrom({ DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: folder })).toBe(
      `the docker engine at ${front.url}`,
    );
    await expect(
      openFrom({ DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: join(folder, 'none') }),
    ).rejects.toMatchObject({ code: 'source-unreachable', message: expect.stringContaining('certificate') as string });
    await expect(openFrom({ DOCKER_TLS_VERIFY: '' })).rejects.toMatchObject({ code: 'source-unreachable' });
  });
});
