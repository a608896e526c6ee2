/** Archives with oddities, and a docker 20.10 that is given the same ones: what it takes is taken, and what it refuses is not. */
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BundleError } from '../../../src/ground/errors.ts';
import { verifyArchive } from '../../../src/inspect/verify-archive.ts';
import { openSource } from '../../../src/place/open-source.ts';
import { buildSampleImages, type FixtureImage } from '../../fixtures/sample-images.ts';
import { expectedImage } from '../../fixtures/expected-image.ts';
import { hybridArchive } from '../../fixtures/write-hybrid-archive.ts';
import { legacyArchive, writeLegacyArchive } from '../../fixtures/write-legacy-archive.ts';
import { StreamByteReader } from '../../../src/format/tar/byte-reader.ts';
import { walkTar } from '../../../src/format/tar/walk-tar.ts';
import { buildTar } from '../../format/tar/tar-fixture.ts';
import { makeTempFolder } from '../../support/temp-folder.ts';
import { startEngine, type ThrowawayEngine } from '../../support/throwaway-engine.ts';
import { expectCode, inOne, openers, read } from './read-hostile.ts';

const run = promisify(execFile);

let engine: ThrowawayEngine;
let web: FixtureImage;
let db: FixtureImage;

beforeAll(async () => {
  const [first, , third] = await buildSampleImages();
  if (first === undefined || third === undefined) throw new TypeError('Fixtures are missing');
  [web, db] = [first, third];
  engine = await startEngine();
});
afterAll(() => engine[Symbol.asyncDispose]());

async function bytesOf(archive: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of archive) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** A bundle of `image`, as far as its members tell. */
async function bundleOf(image: FixtureImage): Promise<Buffer> {
  const members: { name: string; bytes: Uint8Array }[] = [];
  for await (const entry of walkTar(new StreamByteReader(hybridArchive([image]), 'it'))) {
    if (entry.kind === 'file') members.push({ name: entry.name, bytes: await entry.read() });
  }
  const last = ['index.json', 'manifest.json', 'oci-layout'];
  return buildTar([
    ...members.filter(({ name }) => name.startsWith('blobs/')),
    ...last.flatMap((name) => members.filter((member) => member.name === name)),
  ]);
}

/** Whether docker loads `archive`. It keeps what it has, so that only what is new is read again. */
async function dockerTakes(archive: Uint8Array): Promise<boolean> {
  const path = join(await makeTempFolder(), 'a.tar');
  await writeFile(path, archive);
  try {
    await engine.docker('load', '-q', '-i', path);
    return true;
  } catch {
    return false;
  }
}

/** Whether all images of it are taken, from a file and from standard input. */
async function isTaken(archive: Uint8Array): Promise<boolean> {
  const taken: boolean[] = [];
  for (const open of Object.values(openers)) {
    try {
      await read(await open(inOne(archive)));
      taken.push(true);
    } catch (error) {
      if (!(error instanceof BundleError)) throw error;
      taken.push(false);
    }
  }
  expect(new Set(taken).size).toBe(1);
  return taken[0] === true;
}

const pixzIndex = Buffer.concat([
  Buffer.from('1e7c5b928d41a34e', 'hex'),
  Buffer.from('manifest.json\0'),
  Buffer.alloc(8),
]);
const engineError = Buffer.from('{"errorDetail":{"message":"no space left"},"error":"no space left"}\r\n');
const behind: Readonly<Record<string, () => Promise<Buffer> | Buffer>> = {
  'the index of pixz': () => pixzIndex,
  text: () => Buffer.from('written by hand\n'),
  'a single byte': () => Buffer.from('x'),
  'random bytes': () =>
    Buffer.from(Array.from({ length: 70_000 }, (_, index) => (index * 2654435761) >>> 24)),
  'another archive': () => bytesOf(legacyArchive([db])),
  'zeros and then garbage': () => Buffer.concat([Buffer.alloc(20_480), Buffer.from('garbage')]),
  'a layer of this project, which has such errors in it': () =>
    Buffer.concat([Buffer.from('const error = '), engineError, Buffer.from('and so on')]),
};

describe('bytes behind a whole end', () => {
  it.each(Object.keys(behind))('are passed over where they are %s, as docker does', async (kind) => {
    const archive = Buffer.concat([
      await bytesOf(legacyArchive([web])),
      (await behind[kind]?.()) ?? Buffer.alloc(0),
    ]);
    expect(await dockerTakes(archive)).toBe(true);
    for (const packed of [archive, gzipSync(archive)]) {
      for (const open of Object.values(openers)) {
        const images = await read(await open(inOne(packed)));
        expect(images.map(({ configDigest }) => configDigest)).toEqual([expectedImage(web).configDigest]);
      }
    }
    const path = join(await makeTempFolder(), 'a.tar');
    await writeFile(path, archive);
    const report = await verifyArchive(path);
    expect(report).toMatchObject({
      faults: [],
      notes: [expect.stringMatching(/bytes stand behind the end/)],
    });
  });

  it('are a fault of a bundle of this program, which has nothing there', async () => {
    const path = join(await makeTempFolder(), 'b.tar');
    const whole = await bundleOf(web);
    await writeFile(path, whole);
    expect((await verifyArchive(path)).faults).toEqual([]);
    await writeFile(path, Buffer.concat([whole, Buffer.from('garbage')]));
    expect((await verifyArchive(path)).faults).toEqual([
      expect.stringContaining('7 bytes stand behind the end'),
    ]);
  });

  const errors: Readonly<Record<string, Buffer>> = {
    alone: engineError,
    'padded with zeros': Buffer.concat([engineError, Buffer.alloc(300_000)]),
    'behind zeros': Buffer.concat([Buffer.alloc(100_000), engineError]),
    'before the index of pixz': Buffer.concat([engineError, pixzIndex]),
    'with a long reason': Buffer.from(
      `{"errorDetail":{"message":"${'no space '.repeat(900)}"},"error":"x"}\n`,
    ),
    'cut off': engineError.subarray(0, 40),
    'with a code': Buffer.from('{"errorDetail":{"code":500,"message":"no space left"},"error":"x"}\r\n'),
  };
  it.each(Object.keys(errors))("that are an engine's error, %s, are source-failed", async (kind) => {
    const archive = Buffer.concat([await bytesOf(legacyArchive([web])), errors[kind] ?? Buffer.alloc(0)]);
    for (const packed of [archive, gzipSync(archive)]) {
      for (const open of Object.values(openers)) {
        const error = await expectCode(read(await open(inOne(packed))), 'source-failed');
        expect(error.message).toContain('no space');
      }
    }
    const path = join(await makeTempFolder(), 'a.tar');
    await writeFile(path, archive);
    await expectCode(verifyArchive(path), 'source-failed');
  });
});

describe('names in manifest.json', () => {
  const hex = 'ab'.repeat(32);
  const forms = [
    ...['app:1', 'shop/app:1', 'docker.io/app:1', 'index.docker.io/shop/app:1', 'reg.example/app:1'],
    ...['localhost/app:1', 'localhost:5000/app:1', 'Reg.Example/app:1', 'host/a/b/c:1', 'a__b/c--d:1'],
    ...[`sha256:${hex}`, `sha256:${hex.slice(0, 12)}`, 'sha256:latest', 'abcdef012345:1'],
    ...[hex, `${hex}:1`, `app:${hex}`, `app:${'t'.repeat(128)}`, `app:${'t'.repeat(129)}`],
    ...['App:1', 'app:', ':1', '', ' ', 'app:1 ', 'app:-1', 'app:_1', 'a..b:1', 'app/:1', '/app:1', 'app::1'],
    `k/${'n'.repeat(235)}:1`,
    ...['k/', ''].map((path) => `${path}${'n'.repeat(260)}:1`),
    ...['*:1', 'app:*', 'a[b]:1', 'äpp:1', 'http://reg.example/app:1', 'a.b:1', 'a_b.c-d:1.2_3-4'],
  ];
  it('are taken where docker takes them, and refuse only the image they are of', async () => {
    const answers: (readonly [string, boolean, boolean])[] = [];
    for (const name of forms) {
      const odd = { ...db, tags: [name] };
      const archive = await bytesOf(legacyArchive([web, odd]));
      const alone = await bytesOf(legacyArchive([odd]));
      answers.push([name, await isTaken(archive), await dockerTakes(alone)]);
      const names = ['tiny/web:1.0', expectedImage(db).configDigest];
      const open = Object.values(openers)[answers.length % 2];
      const images = open && (await read(await open(inOne(archive)), names));
      expect(images?.map(({ configDigest, tags }) => [configDigest, tags])).toEqual([
        [expectedImage(web).configDigest, ['docker.io/tiny/web:1.0']],
        [expectedImage(db).configDigest, []],
      ]);
    }
    expect(answers.filter(([, taken, dockers]) => taken !== dockers)).toEqual([]);
    expect(answers.filter(([, taken]) => taken).length).toBeGreaterThan(15);
  });

  it('that docker 20.10 refuses are taken where newer ones take them, or the tag is plain', async () => {
    for (const [name, wanted] of [
      ['app', 'docker.io/library/app:latest'],
      ['A/app:1', 'A/app:1'],
      ['[::1]:5000/app:1', '[::1]:5000/app:1'],
    ] as const) {
      const archive = await bytesOf(legacyArchive([{ ...db, tags: [name] }]));
      expect(await dockerTakes(archive)).toBe(false);
      for (const open of Object.values(openers)) {
        const [image] = await read(await open(inOne(archive)));
        expect(image?.tags).toEqual([wanted]);
      }
    }
  });

  it('that are digests are tags of the repository "sha256", also when they are asked for', async () => {
    const archive = await bytesOf(legacyArchive([{ ...db, tags: [`sha256:${hex}`] }]));
    for (const open of Object.values(openers)) {
      const [image] = await read(await open(inOne(archive)), [`sha256:${hex}`]);
      expect(image?.tags).toEqual([`docker.io/library/sha256:${hex}`]);
    }
  });
});

describe('an archive that was unpacked and packed again with holes', () => {
  it.each([
    ['--format=oldgnu'],
    ['--format=pax --sparse-version=0.0'],
    ['--format=pax --sparse-version=0.1'],
    ['--format=pax --sparse-version=1.0'],
  ])('is taken, as docker does: tar -S %s', async (options) => {
    const folder = await makeTempFolder();
    const hollow: FixtureImage = { ...web };
    await writeLegacyArchive(join(folder, 'a.tar'), [hollow]);
    await mkdir(join(folder, 'd'));
    await run('tar', ['-C', join(folder, 'd'), '-xf', join(folder, 'a.tar')]);
    await run('bash', ['-c', 'for f in "$0"/d/*/layer.tar; do fallocate -d "$f"; done', folder]);
    const path = join(folder, 'holes.tar');
    await run('tar', ['-C', join(folder, 'd'), '-S', ...options.split(' '), '-cf', path, '.']);
    await run('tar', ['-C', join(folder, 'd'), '-S', ...options.split(' '), '-czf', `${path}.gz`, '.']);
    await engine.docker('load', '-q', '-i', path);
    for (const from of [path, `${path}.gz`]) {
      const [image] = await read(await openSource(from));
      expect(image?.configDigest).toBe(expectedImage(web).configDigest);
    }
    expect((await verifyArchive(path)).faults).toEqual([]);
  });
});
