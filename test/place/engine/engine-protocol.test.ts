import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Digest } from '../../../src/ground/digest.ts';
import { BundleError } from '../../../src/ground/errors.ts';
import type { Image } from '../../../src/image/image.ts';
import { parseReference } from '../../../src/image/reference.ts';
import type { LayerSink, ReadImagesOptions } from '../../../src/image/image-source.ts';
import { openEngineSource } from '../../../src/place/engine/engine-source.ts';
import { layerOf, omit } from '../../fixtures/archive-members.ts';
import { expectedImage } from '../../fixtures/expected-image.ts';
import { buildSampleImages, type FixtureImage } from '../../fixtures/sample-images.ts';
import { hybridArchive } from '../../fixtures/write-hybrid-archive.ts';
import {
  type PeerImage,
  type ProtocolPeer,
  type ProtocolPeerOptions,
  sendJson,
  startProtocolPeer,
} from '../../support/protocol-peer.ts';
import { createRecordingSink } from '../recording-sink.ts';

let fixtures: readonly FixtureImage[];
let web: FixtureImage;
let worker: FixtureImage;

beforeAll(async () => {
  fixtures = await buildSampleImages();
  const [first, second] = fixtures;
  if (first === undefined || second === undefined) throw new TypeError('Fixtures are missing');
  [web, worker] = [first, second];
});

/** As an engine with a graph driver describes it. */
function described(fixture: FixtureImage, change: Partial<PeerImage> = {}): PeerImage {
  const { configDigest, layers, tags } = expectedImage(fixture);
  return { id: configDigest, names: tags, layers, ...change };
}

/** Sends what `docker save` would for the images with these ids. */
async function sendArchive(ids: readonly string[], response: ServerResponse): Promise<void> {
  const chosen = fixtures.filter((fixture) => ids.includes(expectedImage(fixture).configDigest));
  await pipeline(Readable.from(hybridArchive(chosen)), response);
}

async function start(options: ProtocolPeerOptions = {}): Promise<ProtocolPeer> {
  const peer = await startProtocolPeer({
    images: () => fixtures.map((fixture) => described(fixture)),
    onExport: sendArchive,
    ...options,
  });
  onTestFinished(() => peer[Symbol.asyncDispose]());
  return peer;
}

async function read(
  { host }: ProtocolPeer,
  names: readonly string[] = ['tiny/web:1.0'],
  sink: LayerSink = createRecordingSink(),
  options: ReadImagesOptions = {},
): Promise<readonly Image[]> {
  const source = await openEngineSource({ host });
  try {
    return await source.readImages(names.map(parseReference), sink, options);
  } finally {
    await source.close();
  }
}

const exportsOf = ({ requests }: ProtocolPeer): string[] =>
  requests.filter((path) => path.includes('/images/get'));

describe('openEngineSource', () => {
  it.each([
    ['1.30', '/v1.30/'],
    ['1.41', '/v1.41/'],
    ['1.99', '/v1.51/'],
  ])('speaks with an engine of API %s below %s', async (apiVersion, start_) => {
    const peer = await start({ apiVersion });
    await read(peer);
    const [ping, ...others] = peer.requests;
    expect(ping).toBe('/_ping');
    expect(others.filter((path) => !path.startsWith(start_))).toEqual([]);
  });

  it.each(['', '1.23', 'new'])('refuses an engine of API "%s"', async (apiVersion) => {
    const { host } = await start({ apiVersion });
    await expect(openEngineSource({ host })).rejects.toMatchObject({ code: 'source-failed' });
  });

  it('gives the reason of an engine that refuses', async () => {
    const { host } = await start({
      onAny(path, response) {
        if (path !== '/info') return false;
        sendJson(response, { message: 'not  today\n' }, 503);
        return true;
      },
    });
    await expect(openEngineSource({ host })).rejects.toMatchObject({
      code: 'source-failed',
      message: expect.stringContaining('it answered 503, not today') as string,
    });
  });
});

describe('readImages', () => {
  it.each([
    { apiVersion: '1.43', isContainerd: false, counts: [2] },
    { apiVersion: '1.44', isContainerd: false, counts: [1, 1] },
    { apiVersion: '1.51', isContainerd: true, counts: [1, 1] },
  ])(
    'exports as many images a call as is good for an engine: $apiVersion, $isContainerd',
    async (options) => {
      const peer = await start(options);
      const images = await read(peer, ['tiny/web:1.0', 'tiny/worker:1.0']);
      expect(exportsOf(peer).map((path) => path.split('names=').length - 1)).toEqual(options.counts);
      const [first, second] = [expectedImage(web), expectedImage(worker)];
      expect(images).toEqual([
        { ...first, tags: ['docker.io/tiny/web:1.0'], config: images[0]?.config },
        { ...second, tags: ['docker.io/tiny/worker:1.0'], config: images[1]?.config },
      ]);
    },
  );

  it('takes the manifest for the id of an image in containerd, and keeps its config by that', async () => {
    const id = `sha256:${'1'.repeat(64)}`;
    const peer = await start({
      isContainerd: true,
      images: () => [described(web, { id })],
      onExport: (_, response) =>
        pipeline(Readable.from(hybridArchive([web], { gzipLayers: true })), response),
    });
    const { configDigest, layers } = expectedImage(web);
    const sink = createRecordingSink();
    expect(await read(peer, ['tiny/web:1.0'], sink)).toMatchObject([{ configDigest, layers }]);
    expect([...sink.layers.keys()].sort()).toEqual([...layers].sort());
    expect(await sink.findConfig(id as Digest)).toEqual(Buffer.from(web.config));
    expect(exportsOf(peer)).toHaveLength(1);

    const second = createRecordingSink(layers);
    await second.keepConfig(id as Digest, web.config);
    expect(await read(peer, ['tiny/web:latest'], second)).toMatchObject([
      { configDigest, tags: ['docker.io/tiny/web:latest'] },
    ]);
    expect(exportsOf(peer)).toHaveLength(1);
  });

  it('exports again what has the id of a kept config, but other layers', async () => {
    const peer = await start({ images: () => [described(web)] });
    const { configDigest, layers } = expectedImage(web);
    const sink = createRecordingSink(layers);
    await sink.keepConfig(configDigest, worker.config);
    expect(await read(peer, ['tiny/web:1.0'], sink)).toMatchObject([{ configDigest, layers }]);
    expect(exportsOf(peer)).toHaveLength(1);
  });

  it('names the image of which an export lacks a layer, and what to do', async () => {
    const peer = await start({
      isContainerd: true,
      onExport: (_, response) =>
        pipeline(Readable.from(hybridArchive([web], { faults: [omit(layerOf(web, 1))] })), response),
    });
    await expect(read(peer)).rejects.toMatchObject({
      code: 'layer-missing',
      message: expect.stringContaining('layer 2 of tiny/web:1.0') as string,
      hint: expect.stringContaining('skopeo copy docker://tiny/web:1.0') as string,
    });
  });

  it.each([
    ['other images', () => worker, 'config-mismatch', {}],
    ['other layers', () => web, 'layer-mismatch', { layers: [] }],
  ])('refuses %s than were described', async (_, exported, code, change) => {
    const peer = await start({
      images: () => [described(web, change)],
      onExport: (_ids, response) => pipeline(Readable.from(hybridArchive([exported()])), response),
    });
    const sink = createRecordingSink();
    await expect(read(peer, ['tiny/web:1.0'], sink)).rejects.toMatchObject({ code });
    expect(await sink.findConfig(expectedImage(web).configDigest)).toBeUndefined();
  });

  it('fails where the engine hangs up in the middle', async () => {
    const peer = await start({
      async onExport(_, response) {
        response.write(await firstHalf(web));
        response.destroy();
      },
    });
    await expect(read(peer)).rejects.toMatchObject({
      code: 'source-failed',
      message: expect.stringContaining('tiny/web:1.0') as string,
    });
  });

  it('fails where the engine ends early', async () => {
    const peer = await start({
      async onExport(_, response) {
        response.end(await firstHalf(web));
      },
    });
    await expect(read(peer)).rejects.toMatchObject({ code: 'source-failed' });
  });

  it('fails with the error that the engine wrote into the export', async () => {
    const peer = await start({
      async onExport(_, response) {
        response.write(await firstHalf(web));
        response.end(
          '{"errorDetail":{"message":"no space left on device"},"error":"no space left on device"}\n',
        );
      },
    });
    await expect(read(peer)).rejects.toMatchObject({
      code: 'source-failed',
      message: expect.stringContaining('no space left on device') as string,
    });
  });

  it('fails where the engine hangs up in the middle of a small answer', async () => {
    const peer = await start({
      onAny(path, response) {
        if (!path.includes('web')) return false;
        response.write('{"Id":');
        setImmediate(() => response.destroy());
        return true;
      },
    });
    await expect(read(peer)).rejects.toMatchObject({ code: 'source-failed' });
  });

  it('fails where an answer is not what it should be', async () => {
    const peer = await start({ images: () => [described(web, { id: 'none' })] });
    await expect(read(peer)).rejects.toMatchObject({
      code: 'source-failed',
      message: expect.stringContaining('"Id" is ') as string,
    });
  });

  it('stops when it is aborted, though the engine says no other word', async () => {
    let hasClosed: () => void;
    const closed = new Promise<void>((resolve) => {
      hasClosed = resolve;
    });
    const peer = await start({
      async onExport(_, response) {
        response.on('close', hasClosed);
        response.write(await firstHalf(web));
      },
    });
    const controller = new AbortController();
    const reason = new BundleError('interrupted', 'Stopped');
    const options: ReadImagesOptions = {
      signal: controller.signal,
      onRead() {
        controller.abort(reason);
      },
    };
    await expect(read(peer, ['tiny/web:1.0'], createRecordingSink(), options)).rejects.toBe(reason);
    await closed;
  });

  it('lets go of the engine where the sink fails', async () => {
    let hasClosed: () => void;
    const closed = new Promise<void>((resolve) => {
      hasClosed = resolve;
    });
    const peer = await start({
      async onExport(_, response) {
        response.on('close', hasClosed);
        response.write(await firstHalf(web));
      },
    });
    const full = new BundleError('cache-full', 'Full');
    const sink = { ...createRecordingSink(), addLayer: () => Promise.reject(full) };
    await expect(read(peer, ['tiny/web:1.0'], sink)).rejects.toBe(full);
    await closed;
  });

  it('refuses an image for another platform than is required', async () => {
    const peer = await start({
      onAny(path, response) {
        if (!path.includes('web')) return false;
        const { id, layers } = described(web);
        sendJson(response, { Id: id, Os: 'linux', Architecture: 'arm64', RootFS: { Layers: layers } });
        return true;
      },
    });
    const wish = { platform: { os: 'linux', architecture: 'amd64' }, isRequired: true };
    const source = await openEngineSource({ host: peer.host, wish });
    const reading = source.readImages([parseReference('tiny/web:1.0')], createRecordingSink());
    await expect(reading).rejects.toMatchObject({
      code: 'image-not-found',
      message: expect.stringContaining('linux/arm64') as string,
    });
    await source.close();
  });
});

async function firstHalf(fixture: FixtureImage): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of hybridArchive([fixture])) chunks.push(chunk);
  const whole = Buffer.concat(chunks);
  return whole.subarray(0, whole.length / 2);
}
