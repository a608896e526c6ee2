import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Image } from '../../src/image/image.ts';
import { parseReference } from '../../src/image/reference.ts';
import { openSource } from '../../src/place/open-source.ts';
import { expectedImage } from '../fixtures/expected-image.ts';
import { buildOddImages, buildSampleImages, type FixtureImage } from '../fixtures/sample-images.ts';
import { writeHybridArchive } from '../fixtures/write-hybrid-archive.ts';
import { makeTempFolder } from '../support/temp-folder.ts';
import { createRecordingSink } from './recording-sink.ts';
import { saveWithDocker } from './engine/save-with-docker.ts';

const run = promisify(execFile);

let web: FixtureImage;
let odd: FixtureImage;

beforeAll(async () => {
  const [[first], [second]] = [await buildSampleImages(), await buildOddImages()];
  if (first === undefined || second === undefined) throw new TypeError('Fixtures are missing');
  [web, odd] = [first, second];
});

/** The one image that is read from `from`, whose layers must be those of `fixture`. */
async function readOne(from: string, fixture: FixtureImage, names: readonly string[] = []): Promise<Image> {
  const sink = createRecordingSink();
  const source = await openSource(from);
  const [image, ...others] = await source.readImages(names.map(parseReference), sink);
  await source.close();
  expect(others).toEqual([]);
  if (image === undefined) throw new TypeError('No image was read');
  expect(image.layers).toEqual(expectedImage(fixture).layers);
  for (const [index, diffId] of image.layers.entries()) {
    expect(sink.layers.get(diffId)?.equals(fixture.layers[index] ?? Buffer.alloc(0))).toBe(true);
  }
  return image;
}

/** What skopeo says; it writes configs anew where an image becomes an OCI image. */
async function findConfigDigest(place: string): Promise<string> {
  const { stdout } = await run('skopeo', ['inspect', '--raw', place]);
  return (JSON.parse(stdout) as { config: { digest: string } }).config.digest;
}

describe('docker', () => {
  it('saves what this reads as it was loaded', async () => {
    const folder = await makeTempFolder();
    const input = join(folder, 'in.tar');
    const output = join(folder, 'out.tar');
    const fixtures = [...(await buildSampleImages()), ...(await buildOddImages())];
    await writeHybridArchive(input, fixtures);
    const names = fixtures.flatMap((fixture) =>
      fixture.tags.length > 0 ? fixture.tags : [expectedImage(fixture).configDigest],
    );
    await saveWithDocker(input, output, names);
    const sink = createRecordingSink();
    const images = await (await openSource(output)).readImages([], sink);
    const byDigest = new Map(images.map((image) => [image.configDigest, image]));
    expect(images).toHaveLength(fixtures.length);
    for (const { configDigest, layers, tags } of fixtures.map(expectedImage)) {
      expect(byDigest.get(configDigest)).toMatchObject({ layers, tags });
    }
  });
});

describe('skopeo', () => {
  it.each(['oci', 'oci-archive', 'docker-archive'])('writes %s: as this reads it', async (transport) => {
    const folder = await makeTempFolder();
    const input = join(folder, 'in.tar');
    await writeHybridArchive(input, [web]);
    const output = join(folder, 'out');
    await run('skopeo', [
      'copy',
      '--quiet',
      '--insecure-policy',
      `docker-archive:${input}:tiny/web:1.0`,
      `${transport}:${output}:tiny/web:copied`,
    ]);
    const from = transport === 'oci' ? `oci:${output}` : output;
    const image = await readOne(from, web, ['tiny/web:copied']);
    expect(image.tags).toEqual(['docker.io/tiny/web:copied']);
    expect(image.configDigest).toBe(await findConfigDigest(`${transport}:${output}:tiny/web:copied`));
  });
});

describe('podman', () => {
  it.each(['docker-archive', 'oci-archive'])('saves a %s as this reads it', async (format) => {
    const folder = await makeTempFolder();
    const input = join(folder, 'in.tar');
    await writeHybridArchive(input, [odd]);
    await mkdir(join(folder, 'r'));
    const podman = (...args: readonly string[]): Promise<unknown> =>
      run('podman', [
        ...['--root', join(folder, 'r'), '--runroot', join(folder, 'x'), '--storage-driver', 'vfs'],
        ...['--events-backend', 'none', ...args],
      ]);
    await podman('load', '--quiet', '-i', input);
    const output = join(folder, 'out.tar');
    await podman('save', '--quiet', '--format', format, '-o', output, 'localhost:5000/odd:1');
    const image = await readOne(output, odd, ['localhost:5000/odd:1']);
    expect(image.configDigest).toBe(await findConfigDigest(`${format}:${output}:localhost:5000/odd:1`));
  });
});
