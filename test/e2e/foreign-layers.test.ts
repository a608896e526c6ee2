/** Foreign layers (docs/decisions/0095): where their bytes are there they are layers like others, and where not every verb says so. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { sha256 } from '../../sample/make-image.mjs';
import type { ImageSource } from '../../src/image/image-source.ts';
import { openSource } from '../../src/place/open-source.ts';
import { expectedImage } from '../fixtures/expected-image.ts';
import { buildSampleImages, type FixtureImage } from '../fixtures/sample-images.ts';
import { foreignTypes, writeForeignLayout } from '../fixtures/write-foreign-layout.ts';
import { writeHybridArchive } from '../fixtures/write-hybrid-archive.ts';
import { mediaTypes } from '../fixtures/oci-blobs.ts';
import { createRecordingSink } from '../place/recording-sink.ts';
import { runCli, runCliOk } from '../support/run-cli.ts';
import { makeTempFolder } from '../support/temp-folder.ts';
import { startRegistry } from '../support/throwaway-registry.ts';

const run = promisify(execFile);
vi.setConfig({ testTimeout: 120_000 });
const fast = ['--no-config', '--preset', '0'];
const urls = ['https://layers.example/base.tar.gz', 'https://other.example/base'];

let web: FixtureImage;
let older: FixtureImage;

beforeAll(async () => {
  const [[first], [second]] = [await buildSampleImages(), await buildSampleImages({ revision: 2 })];
  if (first === undefined || second === undefined) throw new TypeError('There is no fixture');
  older = first;
  web = { ...second, tags: ['tiny/web:1.1'] };
});

async function build(from: string): Promise<string> {
  const folder = await makeTempFolder();
  const output = join(folder, 'images.tar.xz');
  await runCliOk(['build', ...fast, '--from', from, '-o', output], { cache: join(folder, 'cache') });
  return sha256(await readFile(output));
}

async function buildPlainly(): Promise<string> {
  const archive = join(await makeTempFolder(), 'plain.tar');
  await writeHybridArchive(archive, [web]);
  return build(archive);
}

/** Puts all blobs of the layout in `folder` into a repository, and the manifest `document` with the tag foreign. */
async function push(folder: string, type: string, document: Buffer, repository: string): Promise<void> {
  for (const hex of await readdir(join(folder, 'blobs/sha256'))) {
    const started = await fetch(`${repository}/blobs/uploads/`, { method: 'POST' });
    const body = await readFile(join(folder, 'blobs/sha256', hex));
    const place = `${started.headers.get('location') ?? ''}&digest=sha256:${hex}`;
    const headers = { 'Content-Type': 'application/octet-stream' };
    expect((await fetch(place, { method: 'PUT', body, headers })).status).toBe(201);
  }
  const headers = { 'Content-Type': type };
  const put = await fetch(`${repository}/manifests/foreign`, { method: 'PUT', body: document, headers });
  expect([put.status, await put.text()]).toEqual([201, '']);
}

/** The layout in `folder` as a source, closed at the end. */
async function openLayout(folder: string): Promise<AsyncDisposable & { readonly source: ImageSource }> {
  const source = await openSource(`oci:${folder}`);
  return { source, [Symbol.asyncDispose]: () => source.close() };
}

describe('a foreign layer whose bytes are in the layout', () => {
  it('is a layer like any other, in the bundle too', async () => {
    const mediaType = foreignTypes[0];
    const folder = join(await makeTempFolder(), 'oci');
    await writeForeignLayout(folder, web, { mediaType, urls, hasBytes: true });
    expect(await build(`oci:${folder}`)).toBe(await buildPlainly());
  });

  it.each(foreignTypes)('is read as the type %s', async (mediaType) => {
    const folder = await makeTempFolder();
    await writeForeignLayout(folder, web, { mediaType, urls, hasBytes: true });
    await using sourceOf = await openLayout(folder);
    const sink = createRecordingSink();
    expect(await sourceOf.source.readImages([], sink)).toEqual([expectedImage(web)]);
    expect(sink.layers.size).toBe(web.layers.length);
  });
});

describe('a foreign layer of which there are only addresses', () => {
  const verbs: readonly (readonly [string, ...string[]])[] = [
    ['build', '-o', 'OUT'],
    ['stream'],
    ['plan'],
    ['describe'],
    ['squash', 'tiny/web:1.1', '-o', 'OUT'],
    ['thin', 'tiny/web:1.1', '--on', 'tiny/web:1.0', '--on-from', 'OLD', '-o', 'OUT'],
    ['delta', '--base', '@0', '-o', 'OUT'],
    ['delta', '--for', 'docker', '--base', '@0', '-o', 'OUT'],
    ['delta', '--for', 'containerd-store', '--base', '@0', '-o', 'OUT'],
    ['copy', 'OUT', '--allow-system-disk'],
    ['mount', 'MOUNTPOINT'],
    ['load', '--into', 'unix:///nowhere/s'],
    ['push', 'docker://127.0.0.1:1'],
  ];
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp('/tmp/bfs-');
    await mkdir(join(folder, 'mnt'));
    await writeForeignLayout(join(folder, 'oci'), web, { mediaType: foreignTypes[0], urls });
    await writeHybridArchive(join(folder, 'old.tar'), [older]);
    const args = ['build', ...fast, '--from', join(folder, 'old.tar'), '-o', join(folder, 'old.tar.xz')];
    await runCliOk(args, { cache: join(folder, 'cache') });
  });
  afterAll(() => rm(folder, { recursive: true }));

  it.each(verbs)(
    'is refused by %s %s %s, which says where it is offered, and leaves nothing',
    async (...words) => {
      const places: Readonly<Record<string, string>> = { OUT: 'out', OLD: 'old.tar', MOUNTPOINT: 'mnt' };
      const args = words.map((word) => (word in places ? join(folder, places[word] ?? '') : word));
      const from = ['--from', `oci:${join(folder, 'oci')}`];
      const result = await runCli([...args, ...fast, ...from], { cache: join(folder, 'cache') });
      expect(result.stderr).toContain('Cannot take layer 1 of tiny/web:1.1: it is a foreign layer');
      expect(result.stderr).toContain(urls[0]);
      expect([result.status, result.stdout.length]).toEqual([5, 0]);
      expect(await readdir(folder)).not.toContain('out');
    },
  );

  it.each([...foreignTypes, mediaTypes.gzip])(
    'is told from a damaged archive by the type %s, or its addresses',
    async (mediaType) => {
      const own = await makeTempFolder();
      await writeForeignLayout(own, web, { mediaType, urls: mediaType === mediaTypes.gzip ? urls : [] });
      await using opened = await openLayout(own);
      await expect(opened.source.readImages([], createRecordingSink())).rejects.toMatchObject({
        code: 'layer-missing',
        message: expect.stringContaining(`its bytes are not in OCI layout "${own}"`) as string,
        hint: expect.stringContaining(
          mediaType === mediaTypes.gzip ? 'offers it at https' : 'no address',
        ) as string,
      });
    },
  );

  it.each(foreignTypes.filter((type) => type.endsWith('gzip')))(
    'of type %s is refused in a registry, and made an archive of by the command of the hint, which bundles then take',
    async (mediaType) => {
      const registry = await startRegistry();
      onTestFinished(() => registry[Symbol.asyncDispose]());
      const folder = join(await makeTempFolder(), 'oci');
      const maker = createServer((_, response) => response.end(layer));
      maker.listen(0, '127.0.0.1');
      await once(maker, 'listening');
      onTestFinished(() => void maker.close());
      const offered = `http://127.0.0.1:${(maker.address() as AddressInfo).port}/base.tar.gz`;
      const { manifest, document, layer } = await writeForeignLayout(folder, web, {
        mediaType,
        urls: [offered],
      });
      await push(folder, manifest.mediaType, document, `http://${registry.host}/v2/tiny/web`);
      const name = `${registry.host}/tiny/web:foreign`;
      const cache = join(folder, 'cache');
      const { status, stderr } = await runCli(['stream', ...fast, '--from', `docker://${name}`], { cache });
      expect(stderr).toContain(`Cannot take layer 1 of ${name}: it is a foreign layer`);
      expect(stderr).toContain(`are not in registry ${registry.host}`);
      expect(stderr).toContain(offered);
      expect(status).toBe(5);
      const [, command = ''] = /^ {2}skopeo (.*)$/m.exec(stderr) ?? [];
      const words = command.replace('docker://IMAGE', `docker://${name}`).replace(':IMAGE', ':tiny/web:1.1');
      await run('skopeo', ['--insecure-policy', ...words.split(' '), '--src-tls-verify=false'], {
        cwd: folder,
      });
      expect(await build(join(folder, 'images.tar'))).toBe(await buildPlainly());
    },
  );
});
