import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Digest, digestOf, hexOf } from '../../../src/ground/digest.ts';
import type { Image } from '../../../src/image/image.ts';
import { parseReference } from '../../../src/image/reference.ts';
import { openSource } from '../../../src/place/open-source.ts';
import { mediaTypes } from '../../fixtures/oci-blobs.ts';
import { makeTempFolder } from '../../support/temp-folder.ts';
import { createRecordingSink } from '../recording-sink.ts';

interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly platform?: object;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Writes the blobs of OCI layouts that no tool at hand writes. */
class LayoutWriter {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  async addBlob(mediaType: string, content: Uint8Array | object): Promise<Descriptor> {
    const bytes = content instanceof Uint8Array ? content : Buffer.from(JSON.stringify(content));
    const digest = digestOf(bytes);
    await mkdir(join(this.folder, 'blobs/sha256'), { recursive: true });
    await writeFile(join(this.folder, 'blobs/sha256', hexOf(digest)), bytes);
    return { mediaType, digest, size: bytes.length };
  }

  /** An image whose one layer says its platform. */
  async addImage(text: string, { withPlatform = true } = {}): Promise<Descriptor> {
    const [os = '', architecture = '', variant] = text.split('/');
    const platform = { architecture, os, ...(variant !== undefined && { variant }) };
    const layer = await this.addBlob(mediaTypes.none, Buffer.from(text.padEnd(1024, '.')));
    const config = await this.addBlob(mediaTypes.config, {
      ...platform,
      rootfs: { type: 'layers', diff_ids: [layer.digest] },
    });
    const manifest = await this.addBlob(mediaTypes.manifest, { schemaVersion: 2, config, layers: [layer] });
    return { ...manifest, ...(withPlatform && { platform }) };
  }

  async addIndex(manifests: readonly Descriptor[]): Promise<Descriptor> {
    return this.addBlob(mediaTypes.index, { schemaVersion: 2, manifests });
  }

  async finish(manifests: readonly Descriptor[]): Promise<void> {
    await writeFile(join(this.folder, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }));
    await writeFile(join(this.folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  }
}

async function startLayout(): Promise<LayoutWriter> {
  return new LayoutWriter(await makeTempFolder());
}

function named(descriptor: Descriptor, name: string): Descriptor {
  return { ...descriptor, annotations: { 'org.opencontainers.image.ref.name': name } };
}

async function read(
  { folder }: LayoutWriter,
  { platform, names = [] }: { readonly platform?: string; readonly names?: readonly string[] } = {},
): Promise<readonly string[]> {
  const source = await openSource(`oci:${folder}`, platform === undefined ? {} : { platform });
  const images = await source.readImages(names.map(parseReference), createRecordingSink());
  return images.map(platformOf);
}

function platformOf(image: Image): string {
  const config = JSON.parse(Buffer.from(image.config).toString()) as Record<string, string>;
  return [config['os'], config['architecture'], config['variant']].filter(Boolean).join('/');
}

const host = `linux/${{ x64: 'amd64', arm64: 'arm64' }[process.arch as 'x64' | 'arm64']}`;
const others = ['linux/s390x', 'linux/arm/v6', 'linux/arm/v7', 'windows/amd64'];

describe('listOciImages', () => {
  it('takes the image for the host of several, or for the platform that is wished for', async () => {
    const layout = await startLayout();
    const images = await Promise.all([...others, host].map((platform) => layout.addImage(platform)));
    await layout.finish([named(await layout.addIndex(images), 'multi/app:1')]);
    expect(await read(layout)).toEqual([host]);
    expect(await read(layout, { platform: 'linux/arm/v7' })).toEqual(['linux/arm/v7']);
    expect(await read(layout, { platform: 'linux/arm', names: ['multi/app:1'] })).toEqual(['linux/arm/v7']);
  });

  it.each([
    // As docker pull has it: of several variants that run there the newest, whatever their order.
    ['linux/arm64', ['linux/arm64/v8'], 'linux/arm64/v8'],
    ['linux/arm64/v8', ['linux/arm64'], 'linux/arm64'],
    ['aarch64', ['linux/arm/v7', 'linux/arm64/v8'], 'linux/arm64/v8'],
    ['linux/x86_64', ['linux/amd64/v3', 'linux/amd64', 'linux/386'], 'linux/amd64'],
    ['amd64', ['linux/amd64/v1', 'linux/arm64'], 'linux/amd64/v1'],
    ['linux/amd64/v3', ['linux/amd64', 'linux/amd64/v2', 'linux/amd64/v4'], 'linux/amd64/v2'],
    ['arm', ['linux/arm/v5', 'linux/arm/v7', 'linux/arm/v6'], 'linux/arm/v7'],
    ['armhf', ['linux/arm/v6', 'linux/arm'], 'linux/arm'],
    ['armel', ['linux/arm/v7', 'linux/arm/v5', 'linux/arm/v6'], 'linux/arm/v6'],
    ['linux/arm/v8', ['linux/arm/v6', 'linux/arm64', 'linux/arm/v7'], 'linux/arm/v7'],
    ['Linux/ARM/V6', ['linux/arm/v7', 'linux/arm/v5'], 'linux/arm/v5'],
    ['i386', ['linux/amd64', 'linux/386'], 'linux/386'],
    ['linux/arm/v6', ['linux/arm/v7', 'linux/arm64'], undefined],
    ['linux/amd64', ['linux/amd64/v2', 'linux/386'], undefined],
    ['linux/s390x', ['linux/amd64', 'windows/s390x'], undefined],
  ])('takes for %s of %j the image for %s', async (platform, images, expected) => {
    for (const withPlatform of [true, false]) {
      const layout = await startLayout();
      const added = [];
      for (const image of images) added.push(await layout.addImage(image, { withPlatform }));
      await layout.finish([named(await layout.addIndex(added), 'multi/app:1')]);
      const reading = read(layout, { platform });
      if (expected === undefined) await expect(reading).rejects.toMatchObject({ code: 'image-not-found' });
      else expect(await reading).toEqual([expected]);
    }
  });

  it('goes by the platform of a reference before that of all', async () => {
    const layout = await startLayout();
    const images = await Promise.all([...others, host].map((platform) => layout.addImage(platform)));
    const index = await layout.addIndex(images);
    await layout.finish([named(index, 'multi/app:1'), named(index, 'multi/other:1')]);
    const source = await openSource(`oci:${layout.folder}`, { platform: host });
    const references = [
      parseReference('multi/app:1'),
      { ...parseReference('multi/oth*'), platform: { os: 'linux', architecture: 's390x' } },
    ];
    const found = await source.readImages(references, createRecordingSink());
    expect(found.map((image) => [platformOf(image), image.tags])).toEqual([
      [host, ['docker.io/multi/app:1']],
      ['linux/s390x', ['docker.io/multi/other:1']],
    ]);
  });

  it('finds platforms in configs where the index names none', async () => {
    const layout = await startLayout();
    const images = await Promise.all(
      [...others, host].map((platform) => layout.addImage(platform, { withPlatform: false })),
    );
    await layout.finish(images.map((image) => named(image, 'multi/app:1')));
    expect(await read(layout)).toEqual([host]);
  });

  it('does without the blobs of other platforms, and takes the only image whatever it is for', async () => {
    const layout = await startLayout();
    const missing = { mediaType: mediaTypes.manifest, digest: digestOf(Buffer.from('missing')), size: 7 };
    const platform = { os: 'linux', architecture: 's390x' };
    const index = await layout.addIndex([{ ...missing, platform }, await layout.addImage(host)]);
    const single = await layout.addImage('linux/riscv64');
    await layout.finish([named(index, 'multi/app:1'), named(single, 'multi/other:1')]);
    expect(await read(layout)).toEqual([host, 'linux/riscv64']);
  });

  it('throws image-not-found, naming platforms, where none fits', async () => {
    const layout = await startLayout();
    const index = await layout.addIndex([
      await layout.addImage('linux/s390x'),
      await layout.addImage('linux/mips'),
    ]);
    await layout.finish([named(index, 'multi/app:1'), named(await layout.addImage(host), 'multi/other:1')]);
    await expect(read(layout)).rejects.toMatchObject({
      code: 'image-not-found',
      message: expect.stringContaining('linux/s390x, linux/mips') as string,
    });
    expect(await read(layout, { names: ['multi/other:1'] })).toEqual([host]);
    const wished = { names: ['multi/other:1'], platform: 'linux/s390x' };
    await expect(read(layout, wished)).rejects.toMatchObject({ code: 'image-not-found' });
    await expect(read(layout, { platform: 'linux/a/b/c' })).rejects.toMatchObject({
      code: 'invalid-argument',
    });
  });

  it('passes over attestations and artifacts that are no images', async () => {
    const layout = await startLayout();
    const unknown = { os: 'unknown', architecture: 'unknown' };
    const attestation = await layout.addImage('unknown/unknown');
    const config = await layout.addBlob('application/vnd.cncf.helm.config.v1+json', { name: 'chart' });
    const chart = await layout.addBlob(mediaTypes.manifest, { schemaVersion: 2, config, layers: [] });
    const text = await layout.addBlob('text/plain', Buffer.from('no JSON'));
    const index = await layout.addIndex([await layout.addImage(host), { ...attestation, platform: unknown }]);
    await layout.finish([named(index, 'multi/app:1'), named(chart, 'multi/chart:1'), text]);
    expect(await read(layout)).toEqual([host]);
  });

  it('takes a bare ref.name for a tag without a repository', async () => {
    const layout = await startLayout();
    await layout.finish([named(await layout.addImage(host), 'latest')]);
    const source = await openSource(`oci:${layout.folder}`);
    const [image] = await source.readImages([], createRecordingSink());
    expect(image?.tags).toEqual([]);
  });

  it('is archive-empty where there is no image', async () => {
    const layout = await startLayout();
    await layout.finish([]);
    await expect(read(layout)).rejects.toMatchObject({ code: 'archive-empty' });
  });
});
