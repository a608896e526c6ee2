/** An engine behind a proxy of its socket that denies a part of the API: what is done all the same, and what is said. */
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { isBundleError } from '../../../src/ground/errors.ts';
import { loadIntoEngine } from '../../../src/place/engine/load-into-engine.ts';
import { parseReference } from '../../../src/image/reference.ts';
import { connectEngine } from '../../../src/place/engine/talk/engine-connection.ts';
import { findEngineEndpoint } from '../../../src/place/engine/talk/engine-endpoint.ts';
import { askEngineFacts } from '../../../src/place/engine/talk/engine-facts.ts';
import { openEngineSource } from '../../../src/place/engine/engine-source.ts';
import { watchEngine } from '../../../src/place/engine/watch-engine.ts';
import { readChunks } from '../../../src/file/read-chunks.ts';
import type { VirtualFile } from '../../../src/file/virtual-file.ts';
import { expectedImage } from '../../fixtures/expected-image.ts';
import { buildSampleImages, type FixtureImage } from '../../fixtures/sample-images.ts';
import { hybridArchive } from '../../fixtures/write-hybrid-archive.ts';
import { type PeerImage, type ProtocolPeer, startProtocolPeer } from '../../support/protocol-peer.ts';
import { catchError } from '../archive/read-hostile.ts';
import { createRecordingSink } from '../recording-sink.ts';

let fixtures: readonly FixtureImage[];

beforeAll(async () => {
  fixtures = await buildSampleImages();
});

const page =
  '<html><body><h1>403 Forbidden</h1>\nRequest forbidden by administrative rules.\n</body></html>\n';

/** How proxies deny: HAProxy's page, nginx's, plain text, nothing at all. */
const denials: readonly (readonly [number, string, string])[] = [
  [403, 'text/html', page],
  [404, 'text/html', '<html><head><title>404 Not Found</title></head></html>'],
  [405, 'text/plain', 'Method Not Allowed'],
  [501, 'text/plain', ''],
  [401, 'text/plain', 'no'],
];

type Denial = (typeof denials)[number];

const forbidden: Denial = [403, 'text/html', page];

interface ProxyOptions {
  readonly denied: RegExp;
  readonly denial?: Denial;
  readonly images?: () => readonly PeerImage[];
  readonly apiVersion?: string;
  readonly onLoad?: () => void;
}

async function startProxy({
  denied,
  denial = forbidden,
  onLoad,
  ...options
}: ProxyOptions): Promise<ProtocolPeer> {
  const described = fixtures.map((fixture): PeerImage => {
    const { configDigest, layers, tags } = expectedImage(fixture);
    return { id: configDigest, names: tags, layers };
  });
  const peer = await startProtocolPeer({
    images: () => described,
    ...options,
    onAny(path, response) {
      if (!denied.test(path)) return false;
      response.writeHead(denial[0], { 'Content-Type': denial[1] }).end(denial[2]);
      return true;
    },
    async onExport(ids, response: ServerResponse) {
      const chosen = fixtures.filter((fixture) => ids.includes(expectedImage(fixture).configDigest));
      await pipeline(Readable.from(hybridArchive(chosen)), response);
    },
    async onLoad(request, response) {
      for await (const chunk of request) expect(chunk).toBeDefined();
      onLoad?.();
      response.end('{"stream":"Loaded image"}');
    },
  });
  onTestFinished(() => peer[Symbol.asyncDispose]());
  return peer;
}

async function build({ host }: ProtocolPeer, names: readonly string[]): Promise<readonly string[]> {
  const source = await openEngineSource({ host });
  try {
    const images = await source.readImages(names.map(parseReference), createRecordingSink());
    return images.flatMap(({ tags }) => tags);
  } finally {
    await source.close();
  }
}

const names = ['tiny/web:1.0', 'tiny/db:5'];
const fullNames = ['docker.io/tiny/web:1.0', 'docker.io/tiny/db:5'];

describe('a source behind a proxy', () => {
  it.each(denials)('is read where all but what docker save needs is denied with %i', async (...denial) => {
    const denied = /^(?!\/_ping$|\/images\/get$|\/images\/.+\/json$)/;
    for (const apiVersion of ['1.41', '1.45']) {
      const peer = await startProxy({ denied, denial, apiVersion });
      expect(await build(peer, names)).toEqual(fullNames);
    }
  });

  it.each([
    ['/images/get', /^\/images\/get$/, names, 'IMAGES=1'],
    ['/images/', /^\/images\/.+\/json$/, names, 'IMAGES=1'],
    ['/images/json', /^\/images\/json$/, ['tiny/*'], 'IMAGES=1'],
    ['/_ping', /^\/_ping$/, names, 'PING=1'],
  ])('names %s where that is denied, and the setting for it', async (path, denied, wanted, setting) => {
    for (const denial of denials) {
      const error = await catchError(build(await startProxy({ denied, denial }), wanted));
      expect(error.code).toBe('access-denied');
      expect(error.message).toContain(`${denial[0]} to GET ${path}`);
      expect(error.message).not.toContain('<');
      expect(error.hint).toContain(setting);
    }
  });

  it('says that an image is not there, though it may not list those that are', async () => {
    const error = await catchError(
      build(await startProxy({ denied: /^\/images\/json$/ }), ['tiny/nothing:1']),
    );
    expect(error.code).toBe('image-not-found');
  });

  it('plans without the history, and knows nothing of a store that it may not ask about', async () => {
    const { host } = await startProxy({ denied: /^\/(?:info|images\/.+\/history)$/ });
    const source = await openEngineSource({ host });
    const surveyed = await source.surveyImages?.(names.map(parseReference), createRecordingSink());
    await source.close();
    expect(surveyed?.map(({ layers }) => layers.length)).toEqual([4, 2]);
    const connection = await connectEngine(await findEngineEndpoint({ host }));
    expect(await askEngineFacts(connection)).toMatchObject({ hasContainerdStore: undefined });
    connection.close();
  });

  it('is said to deny events', async () => {
    const { host } = await startProxy({ denied: /^\/events$/ });
    const end = new AbortController();
    const reasons: string[] = [];
    await watchEngine({
      host,
      signal: end.signal,
      onChange: () => undefined,
      onState(state) {
        if (state.state !== 'away') return;
        reasons.push(state.reason);
        end.abort();
      },
    });
    expect(reasons).toEqual([expect.stringMatching(/403 to GET \/events.*EVENTS=1/)]);
  });
});

describe('loading through a proxy', () => {
  async function tarOf(images: readonly FixtureImage[]): Promise<VirtualFile> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of hybridArchive(images)) chunks.push(chunk);
    const content = Buffer.concat(chunks);
    const file: VirtualFile = {
      size: content.length,
      read: (target, position) => Promise.resolve(content.copy(target, 0, position)),
      stream: (options) => readChunks(file, options),
      close: () => Promise.resolve(),
    };
    return file;
  }

  async function load({ host }: ProtocolPeer): Promise<readonly string[]> {
    const tar = await tarOf(fixtures);
    const openWithout = (): VirtualFile => tar;
    const loaded = await loadIntoEngine(tar, fixtures.map(expectedImage), { host, openWithout });
    return loaded.map(({ name }) => name);
  }

  it.each([
    ['/info', /^\/info$/],
    ['/images/json', /^\/images\/json$/],
    ['/containers/create', /^\/containers\//],
    ['all that only helps', /^\/(?:info$|images\/json$|containers\/|events|version)/],
  ])('does without %s', async (_, denied) => {
    let isLoaded = false;
    const all = fixtures.map((fixture): PeerImage => {
      const { configDigest, layers, tags } = expectedImage(fixture);
      return { id: configDigest, names: tags, layers };
    });
    const peer = await startProxy({
      denied,
      // One is there before, whose layers need not be sent.
      images: () => (isLoaded ? all : all.slice(0, 1)),
      onLoad: () => (isLoaded = true),
    });
    expect(await load(peer)).toContain('tiny/web:1.0');
    expect(isLoaded).toBe(true);
  });

  it('needs to be allowed to load, and says so', async () => {
    const error: unknown = await load(
      await startProxy({ denied: /^\/images\/load$/, images: () => [] }),
    ).catch((reason: unknown) => reason);
    if (!isBundleError(error, 'load-failed')) throw new TypeError('It did not fail', { cause: error });
    expect(error.message).toContain('403 to POST /images/load');
    expect(error.hint).toContain('IMAGES=1 and POST=1');
  });
});
