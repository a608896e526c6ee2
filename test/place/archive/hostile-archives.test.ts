import { execFileSync } from 'node:child_process';
import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ImageSource } from '../../../src/image/image-source.ts';
import { openSource } from '../../../src/place/open-source.ts';
import {
  type ArchiveMember,
  configOf,
  corrupt,
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
import { writeOciLayout } from '../../fixtures/write-oci-layout.ts';
import { makeTempFolder } from '../../support/temp-folder.ts';
import { asInput } from '../offer-images.ts';
import { expectCode, inOne, openers, read } from './read-hostile.ts';

let fixtures: readonly FixtureImage[];
let web: FixtureImage;
let db: FixtureImage;

beforeAll(async () => {
  fixtures = await buildSampleImages();
  const [first, , third] = fixtures;
  if (first === undefined || third === undefined) throw new TypeError('Fixtures are missing');
  [web, db] = [first, third];
});

describe.each(Object.entries(openers))('docker archive in %s', (_, open) => {
  const rewriteManifest = (change: (manifest: string) => string): Fault =>
    replaceContent('manifest.json', (bytes) => Buffer.from(change(Buffer.from(bytes).toString())));

  it('without manifest.json and index.json is archive-unsupported', async () => {
    const faults = [omit('manifest.json'), omit('index.json')];
    await expectCode(read(await open(hybridArchive([web], { faults }))), 'archive-unsupported');
  });

  it('without any image or any member is archive-empty', async () => {
    for (const text of ['[]', 'null']) {
      const noImage = legacyArchive([web], { faults: [rewriteManifest(() => text)] });
      await expectCode(read(await open(noImage)), 'archive-empty');
    }
    await expectCode(read(await open(inOne(Buffer.alloc(10_240)))), 'archive-empty');
  });

  it('whose manifest.json is no JSON or has another shape is archive-corrupt, naming it', async () => {
    for (const text of ['[{', '{}', '[{"Layers":[]}]', '[{"Config":"a","Layers":[1]}]']) {
      const archive = hybridArchive([web], { faults: [rewriteManifest(() => text)] });
      const error = await expectCode(read(await open(archive)), 'archive-corrupt');
      expect(error.message).toContain('manifest.json');
    }
  });

  it('whose manifest names fewer layers than the config is archive-corrupt', async () => {
    const drop = rewriteManifest((text) => {
      const [entry, ...rest] = JSON.parse(text) as { Layers: string[] }[];
      return JSON.stringify([{ ...entry, Layers: entry?.Layers.slice(1) }, ...rest]);
    });
    await expectCode(read(await open(legacyArchive([web], { faults: [drop] }))), 'archive-corrupt');
  });

  it('whose manifest names a file outside of it is archive-corrupt', async () => {
    const evil = rewriteManifest((text) => text.replace(/"Config":"[^"]*"/, '"Config":"../../etc/passwd"'));
    await expectCode(read(await open(hybridArchive([web], { faults: [evil] }))), 'archive-corrupt');
  });

  it('whose manifest has a tag that is none is archive-corrupt', async () => {
    const bad = rewriteManifest((text) => text.replace('tiny/db:5', 'tiny/DB:5'));
    await expectCode(read(await open(hybridArchive([db], { faults: [bad] }))), 'archive-corrupt');
  });

  it('whose links lead out of it or in circles is archive-corrupt', async () => {
    const layer = layerOf(db, 1);
    for (const linkName of ['../../../etc/passwd', '/etc/passwd', 'layer.tar']) {
      const link: Fault = (members) =>
        members.map((member) =>
          typeof layer === 'function' && layer(member)
            ? { name: member.name, type: 'symlink', linkName }
            : member,
        );
      await expectCode(read(await open(legacyArchive([db], { faults: [link] }))), 'archive-corrupt');
    }
  });

  it('whose layers are hardlinks is read', async () => {
    const hard: Fault = (members) => {
      const target = members.find(
        (member) => member.holds !== undefined && member.name.endsWith('layer.tar'),
      );
      return members.map((member) =>
        member.type === 'symlink' && target !== undefined
          ? { name: member.name, type: 'link', linkName: resolve(member) }
          : member,
      );
    };
    const resolve = ({ linkName = '' }: ArchiveMember): string => linkName.replace('../', '');
    expect(await read(await open(legacyArchive(fixtures, { faults: [hard] })))).toHaveLength(3);
  });

  it('that has two different blobs under one digest is archive-corrupt', async () => {
    const blob = { name: `blobs/sha256/${'ab'.repeat(32)}` };
    const twice = prepend(
      { ...blob, content: Buffer.from('one') },
      { ...blob, content: Buffer.from('other') },
    );
    await expectCode(read(await open(hybridArchive([db], { faults: [twice] }))), 'archive-corrupt');
  });

  it('whose gzip layer has other bytes than its name says is layer-mismatch', async () => {
    const again = replaceContent(layerOf(db, 0), () => gzipSync(db.layers[0] ?? '', { level: 1 }));
    const archive = hybridArchive([db], { gzipLayers: true, faults: [again] });
    const error = await expectCode(read(await open(archive)), 'layer-mismatch');
    expect(error.message).toContain('not to its name');
  });

  it('that is compressed with bzip2 is archive-unsupported', async () => {
    const error = await expectCode(
      read(await open(inOne(Buffer.from('BZh91AY&SY and so on')))),
      'archive-unsupported',
    );
    expect(error.hint).toContain('bzip2 -dc');
  });

  it('that is no tar is archive-corrupt', async () => {
    await expectCode(read(await open(inOne(Buffer.from('no tar '.repeat(200))))), 'archive-corrupt');
  });

  it('with configs that differ in tags alone gives one image with all tags', async () => {
    const again = { ...db, tags: ['tiny/db:stable', 'tiny/db:5'] };
    const [image, ...others] = await read(await open(hybridArchive([db, again])));
    expect(others).toEqual([]);
    expect(image?.tags).toEqual(['docker.io/tiny/db:5', 'docker.io/tiny/db:stable']);
  });

  it('in which two images claim a name gives it to the last one', async () => {
    const thief = { ...db, tags: ['tiny/web:latest'] };
    const images = await read(await open(hybridArchive([web, thief])), ['tiny/web']);
    expect(images.map((image) => image.configDigest)).toEqual([expectedImage(db).configDigest]);
  });
});

describe('xz archive', () => {
  it('that is cut off is xz-truncated', async () => {
    const folder = await makeTempFolder();
    const path = join(folder, 'images.tar');
    await writeFile(path, hybridArchive([db]));
    execFileSync('xz', ['-0', path]);
    const { length } = await readFile(`${path}.xz`);
    await truncate(`${path}.xz`, length - 64);
    await expectCode(read(await openSource(`${path}.xz`)), 'xz-truncated');
    const input = asInput(inOne(await readFile(`${path}.xz`)));
    await expectCode(read(await openSource('-', { input })), 'xz-truncated');
  });
});

describe('OCI folder', () => {
  async function openFolder(faults: readonly Fault[]): Promise<ImageSource> {
    const folder = await makeTempFolder();
    await writeOciLayout(folder, [web], { faults });
    return openSource(`oci:${folder}`);
  }
  const manifest = (member: ArchiveMember): boolean =>
    Buffer.from(member.content ?? '')
      .toString()
      .startsWith('{"schemaVersion":2') && member.name.startsWith('blobs/');

  it('without a layer, a config or a manifest says what is missing', async () => {
    await expectCode(read(await openFolder([omit(layerOf(web, 0))])), 'layer-missing');
    await expectCode(read(await openFolder([omit(configOf(web))])), 'config-missing');
    await expectCode(read(await openFolder([omit(manifest)])), 'archive-corrupt');
  });

  it('with changed bytes is refused', async () => {
    await expectCode(read(await openFolder([corrupt(manifest)])), 'archive-corrupt');
    await expectCode(read(await openFolder([makeEmpty(layerOf(web, 0))])), 'layer-mismatch');
    const change = replaceContent(configOf(web), () => Buffer.from('{}'));
    await expectCode(read(await openFolder([change])), 'config-mismatch');
  });
});
