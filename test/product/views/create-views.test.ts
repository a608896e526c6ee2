/** Views: every file of each is what its name says, and nothing of it is stored. */
import { createHash } from 'node:crypto';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openCache } from '../../../src/cache/cache.ts';
import { prepareBundle, type PreparedBundle } from '../../../src/bundle/prepare-bundle.ts';
import { digestOf } from '../../../src/ground/digest.ts';
import { createDecodedBlocks } from '../../../src/file/decoded-blocks.ts';
import { createImage, type Image } from '../../../src/image/image.ts';
import { createViews } from '../../../src/product/views/create-views.ts';
import { nameImages } from '../../../src/product/views/images-view.ts';
import type { ViewFile } from '../../../src/product/views/view-file.ts';
import { findViewName, type ViewName } from '../../../src/product/views/view-name.ts';
import {
  buildBareImage,
  buildOddImages,
  buildSampleImages,
  type FixtureImage,
} from '../../fixtures/sample-images.ts';
import { joinStream } from '../../support/join-stream.ts';
import { createMemorySource } from '../../support/memory-source.ts';
import { makeTempFolder } from '../../support/temp-folder.ts';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const createdMs = Date.UTC(2026, 1, 3);

async function prepare(cacheFolder: string, images: readonly FixtureImage[]): Promise<PreparedBundle> {
  const bundle = await prepareBundle({
    source: createMemorySource(images),
    references: [],
    cache: await openCache(cacheFolder),
    profile: { preset: 1, extreme: false, check: 'crc64' },
  });
  onTestFinished(() => bundle[Symbol.asyncDispose]());
  return bundle;
}

async function readView({ content }: ViewFile): Promise<Buffer> {
  if (content.kind === 'bytes') return Buffer.from(content.bytes);
  const bytes = Buffer.alloc(content.file.size);
  for (let done = 0; done < bytes.length;) {
    done += await content.file.read(bytes.subarray(done, done + 100_000), done);
  }
  return bytes;
}

async function viewBundle(...names: ViewName[]): Promise<{
  readonly bundle: PreparedBundle;
  readonly fixtures: readonly FixtureImage[];
  readonly files: ReadonlyMap<string, Buffer>;
  readonly folder: string;
}> {
  const folder = await makeTempFolder();
  const fixtures = [...(await buildSampleImages()), ...(await buildOddImages()), buildBareImage()];
  const bundle = await prepare(join(folder, 'cache'), fixtures);
  const decoded = createDecodedBlocks(1 << 20);
  const frames = { cache: await openCache(join(folder, 'cache')), level: 3 };
  const views = await createViews(bundle, names, { decoded, createdMs, frames });
  const files = new Map<string, Buffer>();
  for (const view of views) {
    expect(files.has(view.path)).toBe(false);
    files.set(view.path, await readView(view));
  }
  return { bundle, fixtures, files, folder };
}

describe('createViews', () => {
  it('makes images.tar, what xz makes of images.tar.xz', async () => {
    const { bundle, files, folder } = await viewBundle('images.tar');
    expect([...files.keys()]).toEqual(['images.tar']);
    const xz = await joinStream(bundle.xz.stream());
    await writeFile(join(folder, 'x.xz'), xz);
    const tar = execFileSync('xz', ['-dc', join(folder, 'x.xz')], { maxBuffer: 1 << 30 });
    expect(sha256(files.get('images.tar') ?? Buffer.alloc(0))).toBe(sha256(tar));
  });

  it('makes each layer a file that is named by its digest, and sums of them', async () => {
    const { fixtures, files } = await viewBundle('layers');
    const wanted = new Set(fixtures.flatMap(({ layers }) => layers.map(sha256)));
    const layers = [...files].filter(([path]) => path.endsWith('.tar'));
    expect(new Set(layers.map(([, bytes]) => sha256(bytes)))).toEqual(wanted);
    for (const [path, bytes] of layers) expect(path).toBe(`layers/${sha256(bytes)}.tar`);
    const sums = files.get('layers/SHA256SUMS')?.toString().trim().split('\n');
    expect(sums).toEqual(layers.map(([, bytes]) => `${sha256(bytes)}  ${sha256(bytes)}.tar`));
  });

  it('makes an OCI layout whose blobs hash to their names, and are all that its documents name', async () => {
    const { bundle, files } = await viewBundle('oci');
    interface Descriptor {
      readonly digest: string;
      readonly size: number;
    }
    const parse = (path: string): unknown => JSON.parse(files.get(path)?.toString() ?? '');
    const blob = ({ digest, size }: Descriptor): string => {
      const path = `oci/blobs/sha256/${digest.slice(7)}`;
      expect(files.get(path)?.length).toBe(size);
      named.add(path);
      return path;
    };
    const named = new Set<string>();
    expect(parse('oci/oci-layout')).toEqual({ imageLayoutVersion: '1.0.0' });
    const index = parse('oci/index.json') as { manifests: Descriptor[] };
    for (const descriptor of index.manifests) {
      const manifest = parse(blob(descriptor)) as { config: Descriptor; layers: Descriptor[] };
      blob(manifest.config);
      manifest.layers.forEach(blob);
    }
    expect(new Set(index.manifests.map(({ digest }) => digest))).toEqual(
      new Set(bundle.assembled.manifestDigests.values()),
    );
    const blobs = [...files].filter(([path]) => path.includes('/blobs/'));
    expect(new Set(blobs.map(([path]) => path))).toEqual(named);
    for (const [path, bytes] of blobs) expect(path).toBe(`oci/blobs/sha256/${sha256(bytes)}`);
  });

  it('makes a bundle for each image, the bytes that a bundle of that image alone has, and stores no block for it', async () => {
    const { fixtures, files, folder } = await viewBundle('images');
    const before = await readdir(join(folder, 'cache/v1/blocks'), { recursive: true });
    expect(files.size).toBe(fixtures.length);
    const single = new Set<string>();
    for (const [index, fixture] of fixtures.entries()) {
      const bundle = await prepare(join(folder, `cache-${index}`), [fixture]);
      single.add(sha256(await joinStream(bundle.xz.stream())));
    }
    expect(new Set([...files.values()].map(sha256))).toEqual(single);
    expect(await readdir(join(folder, 'cache/v1/blocks'), { recursive: true })).toEqual(before);
  });

  it('keeps decoded blocks for all files together: a layer that images.tar has read is at hand in oci and layers', async () => {
    const folder = await makeTempFolder();
    const bundle = await prepare(join(folder, 'cache'), await buildSampleImages());
    const decoded = createDecodedBlocks(1 << 28);
    const names = ['images.tar', 'layers', 'oci'] as const;
    const frames = { cache: await openCache(join(folder, 'cache')), level: 3 };
    const views = await createViews(bundle, names, { decoded, createdMs, frames });
    const [tar, ...others] = views;
    if (tar === undefined) throw new TypeError('There is no images.tar');
    await readView(tar);
    for (const { content } of others) {
      if (content.kind !== 'decoded') continue;
      expect(content.file.tryRead(Buffer.alloc(content.file.size), 0)).toBe(content.file.size);
    }
  });
});

describe('nameImages', () => {
  const image = (...tags: string[]): Image => ({
    ...createImage(Buffer.from('{"rootfs":{"diff_ids":[]}}'), tags),
    configDigest: digestOf(Buffer.from(tags.join())),
  });

  it('takes the first name, with _ for what is no letter of a file name, and the id where names are alike', () => {
    expect(nameImages([image('shop/web:1.0', 'shop/x:2'), image('host:5000/a-b/c:v1')])).toEqual([
      'shop_web_1.0',
      'host_5000_a-b_c_v1',
    ]);
    const [upper = '', lower = '', plain = ''] = nameImages([
      image('web:V1'),
      image('web:v1'),
      image('web:2'),
    ]);
    expect(upper).toMatch(/^web_V1_[0-9a-f]{12}$/);
    expect(lower).toMatch(/^web_v1_[0-9a-f]{12}$/);
    expect(plain).toBe('web_2');
    expect(nameImages([image()])[0]).toMatch(/^[0-9a-f]{12}$/);
  });
});

describe('findViewName', () => {
  it('knows folders with a slash behind them and without, and nothing else', () => {
    expect(['oci', 'oci/', 'images.tar', 'images.tar/', 'images.tar.xz', ''].map(findViewName)).toEqual([
      ...['oci', 'oci', 'images.tar', undefined, undefined, undefined],
    ]);
  });
});
