import { execFile } from 'node:child_process';
import type { ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Image } from '../../../src/image/image.ts';
import { parsePlatform, type PlatformWish } from '../../../src/image/platform.ts';
import { parseReference } from '../../../src/image/reference.ts';
import type { ImageSource } from '../../../src/image/image-source.ts';
import { openRegistrySource } from '../../../src/place/registry/registry-source.ts';
import { expectedImage } from '../../fixtures/expected-image.ts';
import { buildOddImages, buildSampleImages, type FixtureImage } from '../../fixtures/sample-images.ts';
import { writeOciLayout } from '../../fixtures/write-oci-layout.ts';
import { bareEnvironment, impatientRule } from './make-client.ts';
import {
  type FrontOptions,
  type FrontRequest,
  type RegistryFront,
  startFront,
} from '../../support/registry-front.ts';
import { makeTempFolder } from '../../support/temp-folder.ts';
import { startRegistry, type ThrowawayRegistry } from '../../support/throwaway-registry.ts';
import { createRecordingSink, type RecordingSink } from '../recording-sink.ts';

const run = promisify(execFile);
const wish: PlatformWish = { platform: parsePlatform('linux/amd64', 'x64'), isRequired: false };
let samples: readonly FixtureImage[];
let odd: FixtureImage;
let registry: ThrowawayRegistry;

beforeAll(async () => {
  samples = await buildSampleImages();
  const [first] = await buildOddImages();
  if (first === undefined) throw new TypeError('Fixtures are missing');
  odd = { ...first, tags: ['tiny/odd:1'] };
  registry = await startRegistry();
  await registry.fill([...samples, odd]);
}, 120_000);
afterAll(() => registry[Symbol.asyncDispose]());

const web = ['tiny/web:1.0'].map(parseReference);
const isBlob = ({ line }: FrontRequest): boolean => line.includes('/blobs/');

interface Bench extends AsyncDisposable {
  readonly front: RegistryFront;
  readonly source: ImageSource;
  readonly sink: RecordingSink;
  readonly waits: number[];
}

/** A source for the registry behind a front that does as `options` say. */
async function openBench(options: FrontOptions = {}, path = ''): Promise<Bench> {
  const front = await startFront(registry.host, options);
  const waits: number[] = [];
  const source = openRegistrySource(`docker://${front.host}${path}`, wish, {
    environment: bareEnvironment,
    retry: impatientRule(waits),
  });
  return {
    front,
    source,
    sink: createRecordingSink(),
    waits,
    async [Symbol.asyncDispose]() {
      await source.close();
      await front[Symbol.asyncDispose]();
    },
  };
}

function plain(images: readonly Image[]): unknown[] {
  return [...images]
    .sort((a, b) => (a.configDigest < b.configDigest ? -1 : 1))
    .map((image) => ({ ...image, config: Buffer.from(image.config).toString() }));
}

function expectLayers(sink: RecordingSink, fixture: FixtureImage): void {
  for (const [index, diffId] of expectedImage(fixture).layers.entries()) {
    expect(sink.layers.get(diffId)?.equals(fixture.layers[index] ?? Buffer.alloc(0))).toBe(true);
  }
}

/** The same sink, which has at hand what it was given. */
function knowing(sink: RecordingSink): RecordingSink {
  return { ...sink, hasLayer: (diffId) => Promise.resolve(sink.layers.has(diffId)) };
}

function kindsOf(requests: readonly FrontRequest[]): string[] {
  return requests.map(({ line }) => line.replace(/sha256:.*/, 'DIGEST'));
}

describe('readImages', () => {
  it('gives the images and layer bytes that skopeo pushed, under the names that were asked for', async () => {
    await using bench = await openBench();
    const names = [...samples, odd].flatMap(({ tags }) => tags);
    const images = await bench.source.readImages(names.map(parseReference), bench.sink);
    expect(plain(images)).toEqual(plain([...samples, odd].map(expectedImage)));
    for (const fixture of [...samples, odd]) expectLayers(bench.sink, fixture);
  });

  it.each(['gzip', 'zstd', 'none'] as const)(
    'reads indexes of OCI manifests with %s layers',
    async (compression) => {
      const folder = await makeTempFolder();
      await writeOciLayout(folder, samples.slice(0, 1), { compression, nested: true });
      const name = `oci/${compression}:1`;
      await run('skopeo', [
        ...['copy', '-q', '--all', '--preserve-digests', '--dest-tls-verify=false'],
        ...[`oci:${folder}:1.0`, `docker://${registry.host}/${name}`],
      ]);
      await using bench = await openBench();
      const images = await bench.source.readImages([parseReference(name)], bench.sink);
      expect(images.map(({ tags }) => tags)).toEqual([[`docker.io/${name}`]]);
      const [fixture] = samples;
      if (fixture !== undefined) expectLayers(bench.sink, fixture);
      const other = { ...parseReference(name), platform: parsePlatform('linux/arm64', 'x64') };
      await expect(bench.source.readImages([other], bench.sink)).rejects.toMatchObject({
        code: 'image-not-found',
      });
    },
  );

  it('asks one question for an image that was met before', async () => {
    await using bench = await openBench();
    await bench.source.readImages(web, bench.sink);
    expect(kindsOf(bench.front.requests)).toEqual([
      'HEAD /v2/tiny/web/manifests/1.0',
      'GET /v2/tiny/web/manifests/DIGEST',
      ...Array<string>(5).fill('GET /v2/tiny/web/blobs/DIGEST'),
    ]);
    bench.front.requests.length = 0;
    const again = await bench.source.readImages(web, knowing(bench.sink));
    expect(kindsOf(bench.front.requests)).toEqual(['HEAD /v2/tiny/web/manifests/1.0']);
    expect(again.map(({ tags }) => tags)).toEqual([['docker.io/tiny/web:1.0']]);
  });

  it('fetches manifest and config, and no layer, of a new image whose layers are known', async () => {
    await using first = await openBench();
    await first.source.readImages(web, first.sink);
    await using bench = await openBench();
    await bench.source.readImages(web, createRecordingSink(first.sink.layers.keys()));
    expect(kindsOf(bench.front.requests)).toEqual([
      'HEAD /v2/tiny/web/manifests/1.0',
      'GET /v2/tiny/web/manifests/DIGEST',
      'GET /v2/tiny/web/blobs/DIGEST',
    ]);
  });

  it('takes one image that the address names, under its whole name', async () => {
    await using bench = await openBench({}, '/tiny/db:5');
    const images = await bench.source.readImages([], bench.sink);
    expect(images.map(({ tags }) => tags)).toEqual([[`${bench.front.host}/tiny/db:5`]]);
    await expect(bench.source.readImages(web, bench.sink)).rejects.toMatchObject({
      code: 'invalid-argument',
    });
  });

  it('takes images below a path, by whole names, by digests and by patterns', async () => {
    await using below = await openBench({}, '/tiny/');
    const [found] = await below.source.readImages([parseReference('db:5')], below.sink);
    expect(found?.tags).toEqual(['docker.io/library/db:5']);
    await using bench = await openBench();
    const { host } = bench.front;
    const [digest] = await manifestDigests(host, 'tiny/db', '5');
    const references = [`${host}/tiny/db:5`, `tiny/db@${digest ?? ''}`, 'tiny/w*:1.*'].map(parseReference);
    const images = await bench.source.readImages(references, bench.sink);
    expect(images.flatMap(({ tags }) => tags).sort()).toEqual(
      [`${host}/tiny/db:5`, 'docker.io/tiny/web:1.0', 'docker.io/tiny/worker:1.0'].sort(),
    );
  });

  it('goes on where connections broke, wherever they do', async () => {
    const run = async (cuts: readonly number[], withoutHeaders: readonly string[]): Promise<void> => {
      const left = [...cuts];
      await using bench = await openBench({
        cutAnswer: (request) => (isBlob(request) ? left.shift() : undefined),
        withoutHeaders,
      });
      await bench.source.readImages([parseReference('tiny/db:5')], bench.sink);
      const db = samples.find(({ tags }) => tags.includes('tiny/db:5'));
      if (db !== undefined) expectLayers(bench.sink, db);
      expect(bench.sink.addedCount).toBe(2);
    };
    const cuts = fc.array(fc.integer({ min: 1, max: 60_000 }), { minLength: 1, maxLength: 3 });
    const headers = fc.constantFrom([], ['range']);
    await fc.assert(fc.asyncProperty(cuts, headers, run), { numRuns: 12 });
  }, 60_000);

  it('gives up after a bounded count of broken connections without progress', async () => {
    await using bench = await openBench({ cutAnswer: (request) => (isBlob(request) ? 1 : undefined) });
    // The config is read first: it is small, and never whole.
    await expect(bench.source.readImages(web, bench.sink)).rejects.toMatchObject({ code: 'source-failed' });
    expect(bench.waits).toEqual([500, 1000, 2000]);
    expect(bench.sink.layers.size).toBe(0);
  });

  it('refuses layers, configs and manifests that are not what their digests name', async () => {
    const flip = (chunk: Buffer): Buffer => {
      const copy = Buffer.from(chunk);
      if (copy.length > 40) copy[40] = (copy[40] ?? 0) ^ 1;
      return copy;
    };
    const broken = async (which: (request: FrontRequest) => boolean): Promise<unknown> => {
      await using bench = await openBench({
        change: (request, chunk) => (which(request) ? flip(chunk) : chunk),
      });
      const failure: unknown = await bench.source
        .readImages(web, bench.sink)
        .catch((error: unknown) => error);
      expect(bench.sink.layers.size).toBe(0);
      return failure;
    };
    let blobs = 0;
    expect(await broken((request) => isBlob(request) && (blobs += 1) > 1)).toMatchObject({
      code: 'layer-mismatch',
    });
    expect(await broken(isBlob)).toMatchObject({ code: 'config-mismatch' });
    expect(await broken(({ line }) => line.startsWith('GET') && line.includes('/manifests/'))).toMatchObject({
      code: 'archive-corrupt',
    });
  });

  it.each([
    [401, 'access-denied', /docker login 127/, 1],
    [403, 'access-denied', /login may not do that/, 1],
    [405, 'source-failed', /read-only/, 2], // some know no HEAD, and are asked again by GET
    [429, 'source-failed', /Run it again/, 4],
    [503, 'source-failed', /Its log says why/, 4],
    [418, 'source-failed', /Is 127.* a registry/, 1],
  ] as const)('says of the status %i what to do', async (status, code, hint, count) => {
    await using bench = await openBench({ onRequest: answerWith(status) });
    const failure: unknown = await bench.source.readImages(web, bench.sink).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code, message: expect.stringContaining(String(status)) as string });
    expect(failure).toHaveProperty('hint', expect.stringMatching(hint));
    expect(bench.front.requests).toHaveLength(count);
  });

  it('waits as long as Retry-After says, and not where that is long', async () => {
    let count = 0;
    await using bench = await openBench({
      onRequest(request, response) {
        count += 1;
        return count <= 2 && answerWith(429, { 'Retry-After': '7' })(request, response);
      },
    });
    await bench.source.readImages(web, bench.sink);
    expect(bench.waits).toEqual([7000, 7000]);
    await using limited = await openBench({ onRequest: answerWith(429, { 'Retry-After': '3600' }) });
    await expect(limited.source.readImages(web, limited.sink)).rejects.toHaveProperty(
      'hint',
      expect.stringContaining('in 60 min'),
    );
    expect(limited.waits).toEqual([]);
  });

  it('names near misses of a tag and of a repository that are not there', async () => {
    await using bench = await openBench();
    const missing = (name: string): Promise<unknown> =>
      bench.source.readImages([parseReference(name)], bench.sink).catch((error: unknown) => error);
    expect(await missing('tiny/web:1.1')).toMatchObject({
      code: 'image-not-found',
      hint: 'Did you mean tiny/web:1.0, tiny/web:latest?',
    });
    expect(await missing('tiny/wev:1.0')).toMatchObject({
      code: 'image-not-found',
      hint: expect.stringContaining('tiny/web') as string,
    });
    expect(await missing('tiny/none-*:1')).toMatchObject({ code: 'image-not-found' });
    expect(await missing('a'.repeat(64))).toMatchObject({ code: 'invalid-argument' });
    expect(await missing('ghcr.io/tiny/web:1.0')).toMatchObject({ code: 'invalid-argument' });
    await expect(bench.source.readImages([], bench.sink)).rejects.toMatchObject({
      code: 'invalid-argument',
      hint: expect.stringContaining('tiny/db') as string,
    });
  });

  it('stops at once when it is aborted', async () => {
    const stop = new AbortController();
    await using bench = await openBench({
      onRequest(request) {
        if (isBlob(request)) stop.abort(new Error('enough'));
        return isBlob(request); // and no answer ever
      },
    });
    const reading = bench.source.readImages(web, bench.sink, { signal: stop.signal });
    await expect(reading).rejects.toThrow('enough');
  });
});

describe('surveyImages', () => {
  it('tells of layers without reading one', async () => {
    await using bench = await openBench();
    const surveyed = await bench.source.surveyImages?.(web, bench.sink);
    const [image] = samples;
    expect(surveyed?.[0]?.layers.map(({ diffId }) => diffId)).toEqual(image && expectedImage(image).layers);
    expect(surveyed?.[0]?.layers.every(({ size, isExact }) => size !== undefined && !isExact)).toBe(true);
    expect(kindsOf(bench.front.requests)).toHaveLength(2);
  });
});

function answerWith(status: number, headers: Readonly<Record<string, string>> = {}) {
  return (_request: FrontRequest, response: ServerResponse): boolean => {
    response
      .writeHead(status, headers)
      .end(JSON.stringify({ errors: [{ code: 'TEST', message: 'as asked' }] }));
    return true;
  };
}

async function manifestDigests(host: string, path: string, tag: string): Promise<string[]> {
  const { stdout } = await run('skopeo', [
    ...['inspect', '--tls-verify=false', '--format={{.Digest}}'],
    `docker://${host}/${path}:${tag}`,
  ]);
  return [stdout.trim()];
}
