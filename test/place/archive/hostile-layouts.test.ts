import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  append,
  type ArchiveMember,
  configOf,
  corrupt,
  duplicate,
  type Fault,
  layerOf,
  makeEmpty,
  omit,
  prepend,
  replaceContent,
} from '../../fixtures/archive-members.ts';
import { expectedImage } from '../../fixtures/expected-image.ts';
import { buildSampleImages, type FixtureImage } from '../../fixtures/sample-images.ts';
import { hybridArchive } from '../../fixtures/write-hybrid-archive.ts';
import { legacyArchive } from '../../fixtures/write-legacy-archive.ts';
import { ociArchive } from '../../fixtures/write-oci-layout.ts';
import { asInput } from '../offer-images.ts';
import { catchError, expectCode, inOne, openers, read } from './read-hostile.ts';

let fixtures: readonly FixtureImage[];
let web: FixtureImage;
let db: FixtureImage;

beforeAll(async () => {
  fixtures = await buildSampleImages();
  const [first, , third] = fixtures;
  if (first === undefined || third === undefined) throw new TypeError('Fixtures are missing');
  [web, db] = [first, third];
});

type Writer = (images: readonly FixtureImage[], faults: readonly Fault[]) => AsyncIterable<Uint8Array>;

const writers: Readonly<Record<string, Writer>> = {
  legacy: (images, faults) => legacyArchive(images, { faults }),
  hybrid: (images, faults) => hybridArchive(images, { faults }),
  'hybrid of gzip layers': (images, faults) => hybridArchive(images, { faults, gzipLayers: true }),
  OCI: (images, faults) => ociArchive(images, { faults }),
};

const cases = Object.entries(writers).flatMap(([layout, write]) =>
  Object.entries(openers).map(([place, open]) => ({ layout, place, write, open })),
);

describe.each(cases)('$layout archive in $place', ({ write, open }) => {
  it('without one layer is layer-missing, naming image and layer', async () => {
    const error = await expectCode(read(await open(write([web], [omit(layerOf(web, 2))]))), 'layer-missing');
    expect(error.message).toContain('layer 3 of tiny/web:1.0');
    expect(error.hint).toContain('skopeo copy');
  });

  it('without a config is config-missing, naming the image', async () => {
    const error = await expectCode(read(await open(write([web], [omit(configOf(web))]))), 'config-missing');
    expect(error.message).toContain('tiny/web:1.0');
  });

  it('with a flipped bit in a layer is refused', async () => {
    const error = await catchError(read(await open(write([web], [corrupt(layerOf(web, 1))]))));
    expect(['layer-mismatch', 'archive-corrupt']).toContain(error.code);
  });

  it('with another layer under its name is layer-mismatch', async () => {
    const swap = replaceContent(layerOf(web, 1), () => Buffer.from(db.layers[1] ?? ''));
    const error = await expectCode(read(await open(write([web], [swap]))), 'layer-mismatch');
    expect(error.message).toContain('layer 2 of tiny/web:1.0');
  });

  it('with an emptied layer is layer-mismatch, and said to look like a delta', async () => {
    const error = await expectCode(
      read(await open(write([web], [makeEmpty(layerOf(web, 0))]))),
      'layer-mismatch',
    );
    expect(error.hint).toContain('delta');
  });

  it('with a changed config is config-mismatch', async () => {
    const change = replaceContent(configOf(web), (bytes) => Buffer.concat([bytes, Buffer.from(' ')]));
    await expectCode(read(await open(write([web], [change]))), 'config-mismatch');
  });

  it('with a config that is no JSON any more is config-mismatch', async () => {
    const change = replaceContent(configOf(web), (bytes) => bytes.subarray(0, bytes.length - 5));
    await expectCode(read(await open(write([web], [change]))), 'config-mismatch');
  });

  it('is fine for images that the faults do not touch', async () => {
    const source = await open(write(fixtures, [omit(layerOf(web, 2)), omit(configOf(web))]));
    expect((await read(source, ['tiny/db:5'])).map((image) => image.configDigest)).toEqual([
      expectedImage(db).configDigest,
    ]);
  });

  it('with a name that leads out of it is archive-corrupt', async () => {
    for (const name of ['../evil', '/evil', 'a/../../evil']) {
      const evil: ArchiveMember = { name, content: Buffer.from('evil') };
      const error = await expectCode(read(await open(write([web], [prepend(evil)]))), 'archive-corrupt');
      expect(error.message).toContain(name);
    }
  });

  it('with the same member twice is read', async () => {
    const faults = [duplicate(layerOf(web, 1)), duplicate(configOf(web))];
    expect(await read(await open(write([web], faults)))).toHaveLength(1);
  });

  it('with further files and folders is read', async () => {
    const faults = [
      prepend({ name: './', type: 'directory' }, { name: 'install.sh', content: Buffer.from('#!/bin/sh\n') }),
      append({ name: 'notes/{draft}', content: Buffer.from('{ not JSON') }),
    ];
    expect(await read(await open(write([web], faults)))).toHaveLength(1);
  });

  it('cut off anywhere is archive-truncated', async () => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of write([web], [])) chunks.push(chunk);
    const whole = Buffer.concat(chunks);
    for (const size of [100, 700, whole.length >> 1, whole.length - 1024, whole.length - 512]) {
      await expectCode(read(await open(asInput(inOne(whole.subarray(0, size))))), 'archive-truncated');
    }
  });

  it('in a gzip that is cut off or damaged is archive-truncated or archive-corrupt', async () => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of write([db], [])) chunks.push(chunk);
    const whole = gzipSync(Buffer.concat(chunks));
    await expectCode(read(await open(inOne(whole.subarray(0, -20)))), 'archive-truncated');
    const damaged = Buffer.from(whole);
    damaged.writeUInt8(damaged.readUInt8(whole.length - 6) ^ 1, whole.length - 6);
    await expectCode(read(await open(inOne(damaged))), 'archive-corrupt');
  });
});
