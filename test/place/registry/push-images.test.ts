import { execFile } from 'node:child_process';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DiffId, type Digest, digestOf } from '../../../src/ground/digest.ts';
import type { Image } from '../../../src/image/image.ts';
import { type PushedImage, type PushedParts, pushImages } from '../../../src/place/registry/push-images.ts';
import { parsePushPlace } from '../../../src/place/registry/push-targets.ts';
import { manifestDigestOf, planBundle } from '../../../src/plan/plan-bundle.ts';
import { expectedImage } from '../../fixtures/expected-image.ts';
import { buildOddImages, buildSampleImages, type FixtureImage } from '../../fixtures/sample-images.ts';
import { writeHybridArchive } from '../../fixtures/write-hybrid-archive.ts';
import { bareEnvironment, impatientRule } from './make-client.ts';
import { type FrontOptions, type FrontRequest, startFront } from '../../support/registry-front.ts';
import { runCli, runCliOk } from '../../support/run-cli.ts';
import { makeTempFolder } from '../../support/temp-folder.ts';
import { registryPassword, startRegistry, type ThrowawayRegistry } from '../../support/throwaway-registry.ts';

const run = promisify(execFile);
let samples: readonly FixtureImage[];
let odd: FixtureImage;
let registry: ThrowawayRegistry;

beforeAll(async () => {
  samples = await buildSampleImages();
  const [first] = await buildOddImages();
  if (first === undefined) throw new TypeError('Fixtures are missing');
  odd = { ...first, tags: ['tiny/odd:1'] };
  registry = await startRegistry();
}, 60_000);
afterAll(() => registry[Symbol.asyncDispose]());

/** The parts of images in memory, and which layers were read. */
function partsOf(fixtures: readonly FixtureImage[]): { images: Image[]; parts: PushedParts; read: DiffId[] } {
  const images = fixtures.map(expectedImage);
  const layers = new Map<DiffId, Buffer>();
  for (const [index, image] of images.entries()) {
    for (const [place, diffId] of image.layers.entries()) {
      layers.set(diffId, fixtures[index]?.layers[place] ?? Buffer.alloc(0));
    }
  }
  const layerSize = (diffId: DiffId): number => layers.get(diffId)?.length ?? 0;
  const read: DiffId[] = [];
  const documents = new Map<Digest, Uint8Array>();
  for (const member of planBundle(images, layerSize)) {
    if (member.kind === 'metadata') documents.set(digestOf(member.bytes), member.bytes);
  }
  return {
    images,
    read,
    parts: {
      layerSize,
      manifestOf(config) {
        const image = images.find(({ configDigest }) => configDigest === config);
        const bytes = image && documents.get(manifestDigestOf(image, layerSize));
        if (bytes === undefined) throw new RangeError('There is no such image');
        return bytes;
      },
      async *streamLayer(diffId, { start }) {
        read.push(diffId);
        const content = (layers.get(diffId) ?? Buffer.alloc(0)).subarray(start);
        for (let done = 0; done < content.length; done += 4000) {
          yield content.subarray(done, done + 4000);
          await Promise.resolve();
        }
      },
    },
  };
}

interface Pushed {
  readonly pushed: PushedImage[];
  readonly requests: readonly FrontRequest[];
  readonly read: readonly DiffId[];
  readonly waits: readonly number[];
}

async function push(
  fixtures: readonly FixtureImage[],
  path: string,
  options: FrontOptions & { readonly isDryRun?: boolean } = {},
): Promise<Pushed> {
  await using front = await startFront(registry.host, options);
  const { images, parts, read } = partsOf(fixtures);
  const waits: number[] = [];
  const pushed = await pushImages(images, parsePushPlace(`docker://${front.host}${path}`), parts, {
    environment: bareEnvironment,
    retry: impatientRule(waits),
    isDryRun: options.isDryRun === true,
  });
  return { pushed, requests: [...front.requests], read, waits };
}

/** The config and the layers that skopeo finds under a name, unpacked. */
async function copyOut(name: string): Promise<{ config: string; diffIds: string[] }> {
  const folder = await makeTempFolder();
  const archive = join(folder, 'out.tar');
  const source = `docker://${registry.host}/${name}`;
  await run('skopeo', [
    'copy',
    '-q',
    '--src-tls-verify=false',
    source,
    `docker-archive:${archive}:out/out:1`,
  ]);
  const { stdout } = await run('skopeo', ['inspect', '--config', '--raw', `docker-archive:${archive}`], {
    encoding: 'buffer',
  });
  const { rootfs } = JSON.parse(stdout.toString()) as { rootfs: { diff_ids: string[] } };
  return { config: stdout.toString(), diffIds: rootfs.diff_ids };
}

describe('pushImages', () => {
  it('pushes images that skopeo reads back, layers checked', async () => {
    const { pushed } = await push([...samples, odd], '/whole');
    expect(pushed.map(({ status }) => status)).toEqual(pushed.map(() => 'pushed'));
    for (const fixture of [...samples, odd]) {
      for (const tag of fixture.tags) {
        const { config, diffIds } = await copyOut(`whole/${tag}`);
        expect(config).toBe(Buffer.from(fixture.config).toString());
        expect(diffIds).toEqual(expectedImage(fixture).layers);
      }
    }
  }, 60_000);

  it('asks once for each name where all is there, and decodes nothing', async () => {
    await push(samples, '/again');
    const { pushed, requests, read } = await push(samples, '/again');
    expect(pushed.map(({ status }) => status)).toEqual(pushed.map(() => 'already there'));
    expect(requests.map(({ line }) => line.split(' ')[0])).toEqual(pushed.map(() => 'HEAD'));
    expect(read).toEqual([]);
  });

  it('sends only the layer that is new, and mounts what other repositories have', async () => {
    const first = await push(samples, '/shared');
    const shared = new Set(samples.flatMap((fixture) => expectedImage(fixture).layers));
    expect(first.read).toHaveLength(shared.size);
    expect(first.requests.filter(({ line }) => line.includes('mount='))).toHaveLength(4);
    const { read, pushed } = await push(await buildSampleImages({ revision: 2 }), '/shared');
    expect(read).toHaveLength(1);
    const sent = pushed.flatMap(({ blobs }) => blobs).filter(({ status }) => status === 'sent');
    expect(sent).toHaveLength(2); // the layer and the config
  });

  it('sends nothing in a dry run, and says what it would', async () => {
    const dry = await push(samples, '/dry', { isDryRun: true });
    expect(new Set(dry.requests.map(({ line }) => line.split(' ')[0]))).toEqual(new Set(['HEAD']));
    expect(dry.read).toEqual([]);
    const real = await push(samples, '/dry');
    const blobsOf = ({ pushed }: Pushed): unknown =>
      pushed.map(({ name, blobs }) => [name.replace(/^[^/]*/, ''), blobs]);
    expect(blobsOf(dry)).toEqual(blobsOf(real));
  });

  it('goes on where an upload broke, and starts anew where the session is gone', async () => {
    const left = [50_000];
    const broken = await push(samples, '/broken', {
      keepsUploads: true,
      cutRequest: ({ line }) => (line.startsWith('PATCH') ? left.shift() : undefined),
    });
    // docker's own registry forgets an upload that broke.
    const forgotten = [50_000, 20_000];
    await push(samples, '/forgotten', {
      cutRequest: ({ line }) => (line.startsWith('PATCH') ? forgotten.shift() : undefined),
    });
    expect(forgotten).toEqual([]);
    expect(broken.waits).toEqual([500]);
    expect(left).toEqual([]);
    const ranges = broken.requests
      .map(({ headers }) => headers['content-range'] ?? '')
      .filter((range) => range !== '');
    expect(ranges.filter((range) => !range.startsWith('0-'))).toEqual([expect.stringMatching(/^50000-/)]);
    let isGone = true;
    const gone = await push([odd], '/gone', {
      onRequest({ line }, response) {
        if (!line.startsWith('PATCH') || !isGone) return false;
        isGone = false;
        response.writeHead(404).end('{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}');
        return true;
      },
    });
    expect(gone.pushed[0]?.status).toBe('pushed');
    for (const tag of samples.flatMap((fixture) => fixture.tags)) {
      for (const path of ['broken', 'forgotten']) await copyOut(`${path}/${tag}`);
    }
    await copyOut('gone/tiny/odd:1');
  }, 60_000);

  it('gives up after a bounded count of failures', async () => {
    const failing = push([odd], '/never', {
      onRequest({ line }, response) {
        if (!line.startsWith('PATCH')) return false;
        response.writeHead(500).end();
        return true;
      },
    });
    await expect(failing).rejects.toMatchObject({
      code: 'push-failed',
      message: expect.stringContaining('500') as string,
    });
  });

  it('notices a registry that has another manifest afterwards', async () => {
    let isWritten = false;
    const pushing = push([odd], '/changed', {
      onRequest({ line }) {
        isWritten ||= line.startsWith('PUT') && line.endsWith('/manifests/1');
        return false;
      },
      change: ({ line }, chunk) =>
        isWritten && line.startsWith('GET')
          ? Buffer.from(chunk.toString().replace('"size"', '"sizf"'))
          : chunk,
    });
    await expect(pushing).rejects.toMatchObject({ code: 'archive-corrupt' });
  });

  it('tells a refusal from other failures', async () => {
    const refused = push([odd], '/refused', {
      onRequest({ line }, response) {
        if (!line.startsWith('POST')) return false;
        response.writeHead(403).end('{"errors":[{"code":"DENIED","message":"read only"}]}');
        return true;
      },
    });
    await expect(refused).rejects.toMatchObject({
      code: 'access-denied',
      message: expect.stringContaining('DENIED: read only') as string,
    });
  });
});

describe('parsePushPlace', () => {
  it('leaves out the registry that images came from, and puts them below a path', () => {
    const names = ['docker.io/library/redis:7', 'docker.io/shop/web:1', 'old.example:5000/shop/api:2'];
    const image = (tags: string[]): Image => ({
      configDigest: digestOf(Buffer.from(tags.join())),
      config: Buffer.from(''),
      layers: [],
      tags,
    });
    const listed = (place: string): string[] =>
      parsePushPlace(place)
        .listTargets([image(names)])
        .map(({ name }) => name);
    expect(listed('docker://new.example')).toEqual([
      'new.example/redis:7',
      'new.example/shop/web:1',
      'new.example/shop/api:2',
    ]);
    const below = ['new.example/a/b/redis:7', 'new.example/a/b/shop/web:1', 'new.example/a/b/shop/api:2'];
    expect(listed('docker://new.example/a/b')).toEqual(below);
    expect(listed('docker://new.example/a/b/')).toEqual(below);
    expect(listed('docker://new.example/a/b:9')).toEqual(['new.example/a/b:9']);
    const two = [image(['docker.io/shop/web:1']), image(['old.example/shop/web:1'])];
    for (const place of ['docker://new.example', 'docker://new.example/a:1']) {
      expect(() => parsePushPlace(place).listTargets(two)).toThrow(/Cannot push/);
    }
    expect(() => parsePushPlace('docker://new.example').listTargets([image([])])).toThrow(/it has no name/);
  });
});

describe('bundlefs push', () => {
  it('pushes from an archive with a login, and the pulled bundle is the one of the archive', async () => {
    const folder = await makeTempFolder();
    await using secured = await startRegistry({ hasLogin: true });
    const archive = join(folder, 'images.tar');
    await writeHybridArchive(archive, [...samples, odd]);
    const auth = Buffer.from(`user:${registryPassword}`).toString('base64');
    await writeFile(join(folder, 'config.json'), JSON.stringify({ auths: { [secured.host]: { auth } } }));
    await chmod(join(folder, 'config.json'), 0o600);
    const names = [...samples, odd].flatMap(({ tags }) => tags);
    const env = { DOCKER_CONFIG: folder };
    const cli = (args: readonly string[], cache: string): ReturnType<typeof runCliOk> =>
      runCliOk([...args, '--no-config', '--preset', '0'], { cache: join(folder, cache), env });
    const place = `docker://${secured.host}`;
    const said = await cli(['push', '--json', '--from', archive, place], 'a');
    const report = JSON.parse(said.stdout.toString()) as { images: PushedImage[]; bytes: { sent: number } };
    expect(report.images.map(({ status }) => status)).toEqual(names.map(() => 'pushed'));
    expect(report.bytes.sent).toBeGreaterThan(100_000);
    expect((await cli(['push', '--from', archive, place], 'a')).stdout.toString()).toMatch(
      /already there\n0 B sent/,
    );
    await cli(['build', '--from', archive, ...names, '-o', join(folder, 'a.tar.xz')], 'b');
    await cli(['build', '--from', place, ...names, '-o', join(folder, 'b.tar.xz')], 'c');
    await run('cmp', [join(folder, 'a.tar.xz'), join(folder, 'b.tar.xz')]);
    const journal = await runCli(['log', '--json'], { cache: join(folder, 'c') });
    expect(journal.stdout.toString()).not.toContain(auth);
  }, 120_000);

  it('wants a registry last', async () => {
    for (const args of [['tiny/web:1.0'], ['docker://a.example', 'tiny/web:1.0']]) {
      const { status, stderr } = await runCli(['push', ...args]);
      expect(status).toBe(2);
      expect(stderr).toMatch(/bundlefs push shop\/web:1 docker:/);
    }
  });
});
