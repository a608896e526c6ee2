/** A fault of one image costs that image, and no other: whatever the fault, in every layout. */
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it, onTestFinished } from 'vitest';
import { sha256 } from '../../../sample/make-image.mjs';
import { packTar } from '../../../sample/pack-tar.mjs';
import type { ErrorCode } from '../../../src/ground/errors.ts';
import type { ImageSource } from '../../../src/image/image-source.ts';
import { verifyArchive } from '../../../src/inspect/verify-archive.ts';
import { openSource } from '../../../src/place/open-source.ts';
import type { ArchiveMember } from '../../fixtures/archive-members.ts';
import { BlobSet, type Descriptor, mediaTypes } from '../../fixtures/oci-blobs.ts';
import { packMembers } from '../../fixtures/pack-members.ts';
import { makeTempFolder } from '../../support/temp-folder.ts';
import { asInput } from '../offer-images.ts';
import { expectCode, read } from './read-hostile.ts';
import { createRecordingSink } from '../recording-sink.ts';

type Json = Record<string, unknown>;

interface Parts {
  readonly config: Descriptor;
  readonly layer: Descriptor;
  readonly manifest: Descriptor;
}

const host = { os: 'linux', architecture: process.arch === 'x64' ? 'amd64' : process.arch };
const layer = await packMembers([{ name: 'app/x', content: 'x' }]);

/** One image; `change` makes its manifest another document. */
function addImage(blobs: BlobSet, text: string, change: (manifest: Json) => unknown = (it) => it): Parts {
  const layerBlob = blobs.add(mediaTypes.none, layer);
  const rootfs = { type: 'layers', diff_ids: [layerBlob.digest] };
  const config = blobs.addJson(mediaTypes.config, { ...host, rootfs, config: { Labels: { text } } });
  const document = { schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers: [layerBlob] };
  return { config, layer: layerBlob, manifest: blobs.addJson(mediaTypes.manifest, change(document)) };
}

const named = (descriptor: object, name: string): Json => ({
  ...(descriptor as Json),
  annotations: { 'io.containerd.image.name': `docker.io/shop/${name}` },
});

interface FaultOfOne {
  readonly code: ErrorCode;
  /** The descriptor in the index. */
  readonly describe: (blobs: BlobSet, parts: Parts) => object;
  /** Makes its manifest another document. */
  readonly change?: (manifest: Json) => unknown;
  readonly omit?: (parts: Parts) => string;
}

const sha512 = `sha512:${createHash('sha512').update('x').digest('hex')}`;
const keep = (_: BlobSet, { manifest }: Parts): object => manifest;
const without =
  (key: string) =>
  (_: BlobSet, { manifest }: Parts) => ({ ...manifest, [key]: undefined });

const faults: Readonly<Record<string, FaultOfOne>> = {
  'a sha512 descriptor': {
    code: 'archive-unsupported',
    describe: (_, { manifest }) => ({ ...manifest, digest: sha512 }),
  },
  'a digest that is none': {
    code: 'archive-corrupt',
    describe: (_, { manifest }) => ({ ...manifest, digest: 'sha256:12' }),
  },
  'a descriptor without a digest': { code: 'archive-corrupt', describe: without('digest') },
  'a size that is text': {
    code: 'archive-corrupt',
    describe: (_, { manifest }) => ({ ...manifest, size: '7' }),
  },
  'a size that is another': {
    code: 'archive-corrupt',
    describe: (_, { manifest }) => ({ ...manifest, size: 7 }),
  },
  'a manifest that is missing': {
    code: 'archive-corrupt',
    describe: keep,
    omit: ({ manifest }) => manifest.digest,
  },
  'a manifest of version 1': {
    code: 'archive-unsupported',
    describe: (_, { manifest }) => ({
      ...manifest,
      mediaType: 'application/vnd.docker.distribution.manifest.v1+prettyjws',
    }),
  },
  'a manifest without a config': {
    code: 'archive-corrupt',
    describe: keep,
    change: ({ layers }) => ({ layers }),
  },
  'a manifest that is an array': { code: 'archive-corrupt', describe: keep, change: () => [] },
  'a config in sha512': {
    code: 'archive-unsupported',
    describe: keep,
    change: (it) => ({ ...it, config: { ...(it['config'] as Json), digest: sha512 } }),
  },
  'a layer in sha512': {
    code: 'archive-unsupported',
    describe: keep,
    change: (it) => ({ ...it, layers: [{ mediaType: mediaTypes.none, digest: sha512, size: 7 }] }),
  },
  'a config that is missing': { code: 'config-missing', describe: keep, omit: ({ config }) => config.digest },
  'an index for other platforms only': {
    code: 'image-not-found',
    describe: (blobs) =>
      blobs.addJson(mediaTypes.index, {
        manifests: ['mips', 's390x'].map((architecture) => ({
          ...addImage(blobs, architecture).manifest,
          platform: { os: 'linux', architecture },
        })),
      }),
  },
  'an index whose image for this host is in sha512': {
    code: 'archive-unsupported',
    describe: (blobs, { manifest }) =>
      blobs.addJson(mediaTypes.index, {
        manifests: [
          { ...manifest, platform: { os: 'linux', architecture: 'mips' } },
          { digest: sha512, size: 7, platform: host },
        ],
      }),
  },
};

/** A layout with a good image, one with the fault, and a good one again. */
function layoutWith({ describe, change, omit }: FaultOfOne, withManifest: boolean): ArchiveMember[] {
  const blobs = new BlobSet();
  const [first, last] = [addImage(blobs, 'first'), addImage(blobs, 'last')];
  const bad = addImage(blobs, 'bad', change);
  const descriptors = [
    named(first.manifest, 'web:1'),
    named(describe(blobs, bad), 'bad:1'),
    named(last.manifest, 'web:2'),
  ];
  const document = (name: string, value: unknown): ArchiveMember => ({
    name,
    content: Buffer.from(JSON.stringify(value)),
  });
  const entry = ({ config, layer }: Parts, name: string): Json => ({
    Config: `blobs/sha256/${config.digest.slice(7)}`,
    RepoTags: [`shop/${name}`],
    Layers: [`blobs/sha256/${layer.digest.slice(7)}`],
  });
  const omitted = omit?.(bad).slice(7) ?? 'nothing';
  return [
    ...blobs.members().filter(({ name }) => !name.endsWith(omitted)),
    document('index.json', { schemaVersion: 2, manifests: descriptors }),
    document('oci-layout', { imageLayoutVersion: '1.0.0' }),
    ...(withManifest ? [document('manifest.json', [entry(first, 'web:1'), entry(last, 'web:2')])] : []),
  ];
}

async function fileOf(members: readonly ArchiveMember[]): Promise<string> {
  const path = join(await makeTempFolder(), 'a.tar');
  await writeFile(path, packTar(members));
  return path;
}

const places: Readonly<Record<string, (members: readonly ArchiveMember[]) => Promise<ImageSource>>> = {
  'an OCI folder': async (members) => {
    const folder = await makeTempFolder();
    for (const { name, content } of members) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), content ?? '');
    }
    return openSource(`oci:${folder}`);
  },
  'a file': async (members) => openSource(await fileOf(members)),
  'standard input': (members) => openSource('-', { input: asInput(Readable.from(packTar(members))) }),
};

const cases = Object.keys(places).flatMap((place) => Object.keys(faults).map((fault) => ({ place, fault })));

describe.each(cases)('$fault in $place', ({ place, fault }) => {
  const open = async (): Promise<ImageSource> => {
    const [chosen, opener] = [faults[fault], places[place]];
    if (chosen === undefined || opener === undefined) throw new TypeError('There is no such case');
    return opener(layoutWith(chosen, false));
  };

  it('costs its own image only, which is named where it is meant', async () => {
    const images = await read(await open(), ['shop/web:1', 'shop/web*:2']);
    expect(images.flatMap(({ tags }) => tags)).toEqual(['docker.io/shop/web:1', 'docker.io/shop/web:2']);
    for (const names of [[], ['shop/bad:1'], ['shop/*']]) {
      const error = await expectCode(read(await open(), names), faults[fault]?.code ?? 'interrupted');
      expect(error.message).toContain('bad:1');
    }
  });
});

describe('where what no engine loads is left out', () => {
  const loadable = cases.filter(({ fault }) => faults[fault]?.code !== 'image-not-found');
  it.each(loadable)('$fault in $place costs its own image, and is told', async ({ place, fault }) => {
    const [chosen, opener] = [faults[fault], places[place]];
    if (chosen === undefined || opener === undefined) throw new TypeError('There is no such case');
    const leftOut: ErrorCode[] = [];
    const source = await opener(layoutWith(chosen, false));
    onTestFinished(() => source.close());
    const images = await source.readImages([], createRecordingSink(), {
      leaveOut: ({ code }) => leftOut.push(code),
    });
    expect(images.flatMap(({ tags }) => tags)).toEqual(['docker.io/shop/web:1', 'docker.io/shop/web:2']);
    expect(leftOut).toEqual([chosen.code]);
  });
});

describe('a fault of one image in an archive', () => {
  it.each(Object.keys(faults))('is one line of verify: %s', async (fault) => {
    const chosen = faults[fault];
    if (chosen === undefined) throw new TypeError('There is no such fault');
    const report = await verifyArchive(await fileOf(layoutWith(chosen, false)));
    expect(report.images.map(({ isSound }) => isSound)).toEqual([true, false, true]);
    expect(report.faults).toHaveLength(1);
  });

  it.each(Object.keys(faults))(
    'that only index.json has is no matter where manifest.json has the others: %s',
    async (fault) => {
      const chosen = faults[fault];
      if (chosen === undefined) throw new TypeError('There is no such fault');
      const members = layoutWith(chosen, true);
      const images = await read(await openSource(await fileOf(members)), ['shop/web:1', 'shop/web:2']);
      expect(images).toHaveLength(2);
    },
  );

  it.each([
    ['no config', { Config: undefined }],
    ['a config that is a number', { Config: 7 }],
    ['layers that are numbers', { Layers: [7] }],
    ['a config that is not there', { Config: 'nowhere.json' }],
    ['a config outside', { Config: '../../etc/passwd' }],
    ['a layer that is not there', { Layers: ['nowhere.tar'] }],
    ['too few layers', { Layers: [] }],
    ['a name that is none', { RepoTags: ['shop/bad:1', 'NO NAME'] }],
  ])('costs its own image only in manifest.json: %s', async (_, change) => {
    const blobs = new BlobSet();
    const [good, bad] = [addImage(blobs, 'good'), addImage(blobs, 'bad')];
    const entry = ({ config, layer }: Parts, name: string): Json => ({
      Config: `blobs/sha256/${config.digest.slice(7)}`,
      RepoTags: [`shop/${name}`],
      Layers: [`blobs/sha256/${layer.digest.slice(7)}`],
    });
    const manifest = [{ ...entry(bad, 'bad:1'), ...change }, entry(good, 'web:1')];
    const members = [
      ...blobs.members(),
      { name: 'manifest.json', content: Buffer.from(JSON.stringify(manifest)) },
    ];
    for (const place of ['a file', 'standard input']) {
      const opener = places[place];
      if (opener === undefined) throw new TypeError('There is no such place');
      const [image] = await read(await opener(members), ['shop/web:1']);
      expect(image?.configDigest).toBe(`sha256:${sha256(image?.config ?? '')}`);
      await expect(read(await opener(members))).rejects.toMatchObject({
        message: expect.stringMatching(/bad:1|NO NAME/) as string,
      });
    }
  });
});
