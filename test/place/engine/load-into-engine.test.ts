import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { digestOf } from '../../../src/ground/digest.ts';
import { BundleError } from '../../../src/ground/errors.ts';
import { readChunks } from '../../../src/file/read-chunks.ts';
import type { VirtualFile } from '../../../src/file/virtual-file.ts';
import { loadIntoEngine } from '../../../src/place/engine/load-into-engine.ts';
import { layerOf, makeEmpty, omit } from '../../fixtures/archive-members.ts';
import { expectedImage } from '../../fixtures/expected-image.ts';
import { buildOddImages, buildSampleImages, type FixtureImage } from '../../fixtures/sample-images.ts';
import { hybridArchive, type HybridArchiveOptions } from '../../fixtures/write-hybrid-archive.ts';
import {
  type PeerImage,
  type ProtocolPeer,
  type ProtocolPeerOptions,
  startProtocolPeer,
} from '../../support/protocol-peer.ts';
import { startEngine, type ThrowawayEngine } from '../../support/throwaway-engine.ts';

let engine: ThrowawayEngine;
let web: FixtureImage;
let odd: FixtureImage;
let untagged: FixtureImage;

beforeAll(async () => {
  const [[first], [second, third]] = [await buildSampleImages(), await buildOddImages()];
  if (!first || !second || !third) throw new TypeError('Fixtures are missing');
  [web, odd, untagged] = [first, second, third];
  engine = await startEngine();
});
afterAll(() => engine[Symbol.asyncDispose]());

/** The bytes of a bundle, as a virtual file. */
function fileOf(content: Buffer): VirtualFile {
  const file: VirtualFile = {
    size: content.length,
    read: (target, position) => Promise.resolve(content.copy(target, 0, position)),
    stream: (options) => readChunks(file, options),
    close: () => Promise.resolve(),
  };
  return file;
}

async function tarOf(images: readonly FixtureImage[], options?: HybridArchiveOptions): Promise<VirtualFile> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of hybridArchive(images, options)) chunks.push(chunk);
  return fileOf(Buffer.concat(chunks));
}

describe('loadIntoEngine, into a docker engine', () => {
  it('loads images, tells each by its tags, and sends nothing the second time', async () => {
    const images = [web, odd, untagged];
    const tar = await tarOf(images);
    const progress: [number, number][] = [];
    const load = (): ReturnType<typeof loadIntoEngine> =>
      loadIntoEngine(tar, images.map(expectedImage), {
        host: engine.host,
        onProgress: (done, total) => progress.push([done, total]),
      });
    const loaded = await load();
    const id = digestOf(untagged.config);
    expect(loaded).toHaveLength(web.tags.length + odd.tags.length + 1);
    expect(loaded).toContainEqual({ name: 'tiny/web:1.0', id: digestOf(web.config), status: 'loaded' });
    expect(loaded).toContainEqual({ name: id.slice(7, 19), id, status: 'loaded' });
    expect(progress.at(-1)).toEqual([tar.size, tar.size]);
    expect(await engine.docker('inspect', '-f', '{{.Id}}', 'tiny/odd:1')).toBe(`${digestOf(odd.config)}\n`);

    progress.length = 0;
    expect(await load()).toEqual(loaded.map((entry) => ({ ...entry, status: 'already there' })));
    expect(progress).toEqual([]);

    await engine.docker('rmi', 'tiny/web:1.0');
    expect((await load()).filter(({ status }) => status === 'loaded')).toMatchObject([
      { name: 'tiny/web:1.0' },
    ]);
    await engine.docker('rmi', '-f', ...web.tags, ...odd.tags, id);
  });

  it.each([
    ['lacks a layer', omit],
    ['has no bytes for a layer', makeEmpty],
  ])('fails with the reason of the engine for a bundle that %s', async (_, fault) => {
    const tar = await tarOf([web], { faults: [fault(layerOf(web, 1))] });
    await expect(loadIntoEngine(tar, [expectedImage(web)], { host: engine.host })).rejects.toMatchObject({
      code: 'load-failed',
      message: expect.stringMatching(/no such file|invalid diffID/) as string,
    });
  });

  it('fails where the engine has another image than the bundle then', async () => {
    const [changed] = await buildSampleImages({ revision: 4 });
    if (changed === undefined) throw new TypeError('There is no fixture');
    const tags = ['docker.io/tiny/web:1.0'];
    await expect(
      loadIntoEngine(await tarOf([web]), [{ ...expectedImage(changed), tags }], { host: engine.host }),
    ).rejects.toMatchObject({
      code: 'load-failed',
      message: expect.stringContaining('Cannot load "tiny/web:1.0"') as string,
    });
    await engine.docker('rmi', '-f', ...web.tags);
  });

  it('passes on what reading the bundle throws', async () => {
    const fault = new BundleError('block-corrupt', 'A block is corrupt');
    const whole = await tarOf([web]);
    const tar: VirtualFile = {
      ...whole,
      async *stream() {
        for await (const chunk of whole.stream({ end: whole.size / 2 })) yield chunk;
        throw fault;
      },
    };
    await expect(loadIntoEngine(tar, [expectedImage(web)], { host: engine.host })).rejects.toBe(fault);
    expect(await engine.docker('images', '-q')).toBe('');
  });

  it('is refused by an engine that is not there', async () => {
    await expect(
      loadIntoEngine(await tarOf([web]), [expectedImage(web)], { host: 'unix:///nowhere/s' }),
    ).rejects.toMatchObject({ code: 'source-unreachable' });
  });
});

describe('loadIntoEngine, by the protocol', () => {
  async function start(options: ProtocolPeerOptions): Promise<ProtocolPeer> {
    const peer = await startProtocolPeer(options);
    onTestFinished(() => peer[Symbol.asyncDispose]());
    return peer;
  }

  async function drain(request: IncomingMessage): Promise<void> {
    request.resume();
    await once(request, 'end');
  }

  const inContainerd = (fixture: FixtureImage, digit: string): PeerImage => ({
    id: `sha256:${digit.repeat(64)}`,
    names: expectedImage(fixture).tags,
    layers: expectedImage(fixture).layers,
  });

  it('does not believe an engine in containerd that could not unpack, and says what it said', async () => {
    const images: PeerImage[] = [];
    const { host } = await start({
      isContainerd: true,
      images: () => images,
      async onLoad(request, response) {
        await drain(request);
        images.push({ ...inContainerd(web, '1'), layers: [] });
        response.end('{"stream":"Error unpacking image docker.io/tiny/web:1.0: no space"}\n');
      },
    });
    await expect(loadIntoEngine(await tarOf([web]), [expectedImage(web)], { host })).rejects.toMatchObject({
      code: 'load-failed',
      message: expect.stringContaining('it has 0 layers there, not the 4 of the bundle') as string,
      hint: expect.stringMatching(/Error unpacking image[^]*docker image rm tiny\/web:1\.0/) as string,
    });
  });

  it('looks at untagged images in containerd by their layers', async () => {
    const images: PeerImage[] = [];
    const { host } = await start({
      isContainerd: true,
      images: () => images,
      async onLoad(request, response) {
        await drain(request);
        if (images.length === 0) images.push(inContainerd(web, '1'), inContainerd(untagged, '2'));
        response.end('{"stream":"Loaded"}\n');
      },
    });
    const tar = await tarOf([web, untagged]);
    const load = async (): Promise<readonly string[]> =>
      (await loadIntoEngine(tar, [web, untagged].map(expectedImage), { host })).map(
        ({ name, id, status }) => `${name} ${id.slice(7, 9)} ${status}`,
      );
    const short = digestOf(untagged.config).slice(7, 19);
    expect(await load()).toEqual([
      'tiny/web:1.0 11 loaded',
      'tiny/web:latest 11 loaded',
      `${short} 22 loaded`,
    ]);
    expect(await load()).toEqual([
      'tiny/web:1.0 11 already there',
      'tiny/web:latest 11 already there',
      `${short} 22 already there`,
    ]);
    images.pop();
    await expect(load()).rejects.toMatchObject({
      code: 'load-failed',
      message: expect.stringContaining(short) as string,
    });
  });

  it.each([
    [
      'an error behind status 200',
      '{"stream":"a"}\n{"errorDetail":{"message":"disk full"},"error":"disk full"}',
      'disk full',
    ],
    ['an error without detail', '{"error":"disk full"}\r\n', 'disk full'],
    ['what is no message', '<html>', '<html>'],
  ])('fails for %s', async (_, answer, found) => {
    const { host } = await start({
      async onLoad(request, response) {
        await drain(request);
        response.end(answer);
      },
    });
    await expect(loadIntoEngine(await tarOf([web]), [expectedImage(web)], { host })).rejects.toMatchObject({
      code: 'load-failed',
      message: expect.stringContaining(found) as string,
    });
  });

  it('fails where the engine hangs up while it is sent the bundle, and while it answers', async () => {
    const early = await start({
      onLoad(request) {
        request.once('data', () => request.destroy());
      },
    });
    const tar = await tarOf(await buildSampleImages({ scale: 5 }));
    const late = await start({
      async onLoad(request, response) {
        await drain(request);
        response.write('{"stream":"Load');
        setImmediate(() => response.destroy());
      },
    });
    for (const { host } of [early, late]) {
      await expect(loadIntoEngine(tar, [expectedImage(web)], { host })).rejects.toMatchObject({
        code: 'load-failed',
      });
    }
  });

  it('stops when it is aborted, though the engine takes nothing', async () => {
    const { host } = await start({ onLoad: () => undefined });
    const controller = new AbortController();
    const reason = new BundleError('interrupted', 'Stopped');
    const tar = await tarOf(await buildSampleImages({ scale: 5 }));
    const loading = loadIntoEngine(tar, [expectedImage(web)], {
      host,
      signal: controller.signal,
      onProgress() {
        controller.abort(reason);
      },
    });
    await expect(loading).rejects.toBe(reason);
  });

  it('reads no more of the bundle than the engine takes', async () => {
    let sent = 0;
    const { host } = await start({ onLoad: () => undefined });
    const controller = new AbortController();
    const endless: VirtualFile = {
      ...fileOf(Buffer.alloc(0)),
      size: 2 ** 40,
      async *stream() {
        for (;;) {
          sent += 65_536;
          yield await Promise.resolve(Buffer.alloc(65_536));
        }
      },
    };
    const loading = loadIntoEngine(endless, [expectedImage(web)], { host, signal: controller.signal });
    const seen: number[] = [];
    const timer = setInterval(() => {
      seen.push(sent);
      if (sent > 0 && seen.at(-1) === seen.at(-4))
        controller.abort(new BundleError('interrupted', 'Stopped'));
    }, 50);
    onTestFinished(() => {
      clearInterval(timer);
    });
    await expect(loading).rejects.toMatchObject({ code: 'interrupted' });
    expect(sent).toBeLessThan(8 * 1024 * 1024);
  });
});
