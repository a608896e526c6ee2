import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { digestOf, hexOf } from '../../../src/ground/digest.ts';
import type { Image } from '../../../src/image/image.ts';
import { parseReference } from '../../../src/image/reference.ts';
import { openSource } from '../../../src/place/open-source.ts';
import { expectedImage } from '../../fixtures/expected-image.ts';
import { buildOddImages, buildSampleImages, type FixtureImage } from '../../fixtures/sample-images.ts';
import { hybridArchive } from '../../fixtures/write-hybrid-archive.ts';
import { ociArchive } from '../../fixtures/write-oci-layout.ts';
import { makeTempFolder } from '../../support/temp-folder.ts';
import { createRecordingSink } from '../recording-sink.ts';

let fixtures: readonly FixtureImage[];
let web: Image;
let untagged: Image;

beforeAll(async () => {
  fixtures = [...(await buildSampleImages()), ...(await buildOddImages())];
  const [first] = fixtures;
  const last = fixtures.at(-1);
  if (first === undefined || last === undefined) throw new TypeError('Fixtures are missing');
  [web, untagged] = [expectedImage(first), expectedImage(last)];
});

/** The digest of the OCI manifest that index.json in `archive` has under `name`. */
async function findManifestDigest(archive: AsyncIterable<Uint8Array>, name: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of archive) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString('latin1');
  const before = text.slice(0, text.indexOf(`"io.containerd.image.name":"${name}"`));
  return before.slice(before.lastIndexOf('sha256:')).slice(0, 71);
}

describe.each(Object.entries({ hybrid: hybridArchive, OCI: ociArchive }))(
  'selectImages in %s archive',
  (_, write) => {
    async function read(...names: readonly string[]): Promise<readonly Image[]> {
      const path = join(await makeTempFolder(), 'images.tar');
      await writeFile(path, write(fixtures));
      return (await openSource(path)).readImages(names.map(parseReference), createRecordingSink());
    }

    it('finds an image by id, by the start of it, and gives it without names', async () => {
      const hex = hexOf(web.configDigest);
      for (const id of [hex, hex.slice(0, 12), `sha256:${hex}`, `sha256:${hex.slice(0, 20)}`]) {
        const images = await read(id);
        expect(images).toHaveLength(1);
        expect(images[0]).toMatchObject({ configDigest: web.configDigest, tags: [], layers: web.layers });
      }
    });

    it('finds an untagged image by id', async () => {
      const [image] = await read(hexOf(untagged.configDigest));
      expect(image?.configDigest).toBe(untagged.configDigest);
    });

    it('joins what was asked for by id and by name', async () => {
      const images = await read(hexOf(web.configDigest), 'tiny/web:1.0');
      expect(images.map((image) => image.tags)).toEqual([['docker.io/tiny/web:1.0']]);
    });

    it('finds an image by repository and digest of config or manifest', async () => {
      const manifest = await findManifestDigest(write(fixtures), 'docker.io/tiny/web:1.0');
      for (const digest of [web.configDigest, manifest]) {
        expect((await read(`tiny/web@${digest}`))[0]?.configDigest).toBe(web.configDigest);
      }
      await expect(read(`tiny/db@${manifest}`)).rejects.toMatchObject({ code: 'image-not-found' });
    });

    it('throws image-not-found with near misses, and with names where there are none', async () => {
      await expect(read('tiny/web:1.1')).rejects.toMatchObject({
        code: 'image-not-found',
        hint: 'Did you mean tiny/web:1.0, tiny/web:latest?',
      });
      const error: unknown = await read('somebody/elses-image:4').catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'image-not-found' });
      expect(String((error as { hint?: string }).hint)).toContain('tiny/');
      await expect(read(hexOf(digestOf(Buffer.from('none'))))).rejects.toMatchObject({
        code: 'image-not-found',
      });
    });

    it('finds names with a registry and names in full', async () => {
      const images = await read('localhost:5000/odd:1', 'docker.io/library/library-odd:1');
      expect(images.map((image) => image.tags)).toEqual([
        ['docker.io/library/library-odd:1', 'localhost:5000/odd:1'],
      ]);
    });
  },
);
