import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeRecipe, type RecipeDocument } from '../../../src/plan/layout/recipe-document.ts';
import { createRecipe } from '../../../src/plan/layout/recipe.ts';
import type { Digest } from '../../../src/ground/digest.ts';
import { BundleError } from '../../../src/ground/errors.ts';
import { parseReference } from '../../../src/image/reference.ts';
import type { ImageSource } from '../../../src/image/image-source.ts';
import { openSource } from '../../../src/place/open-source.ts';
import { expectedImage } from '../../fixtures/expected-image.ts';
import { buildBareImage, buildSampleImages, type FixtureImage } from '../../fixtures/sample-images.ts';
import { writeLegacyArchive } from '../../fixtures/write-legacy-archive.ts';
import { writeOciLayout } from '../../fixtures/write-oci-layout.ts';
import { makeTempFolder } from '../../support/temp-folder.ts';
import { createRecordingSink } from '../recording-sink.ts';

const profile = {
  ...{ liblzma: '5.4.1', preset: 6, extreme: false, check: 'crc64' as const, cutter: 'files-1' },
};

interface Written {
  readonly path: string;
  readonly folder: string;
  readonly fixtures: readonly FixtureImage[];
  readonly document: RecipeDocument;
}

/** A recipe of the sample images whose source is `source`, after `change`. */
async function writeRecipe(
  source: (folder: string) => string | undefined = () => undefined,
  change: (document: RecipeDocument) => object = (document) => document,
): Promise<Written> {
  const folder = await makeTempFolder();
  const fixtures = [...(await buildSampleImages()), buildBareImage()];
  const images = fixtures.map(expectedImage);
  const sizes = new Map<Digest, number>();
  for (const [at, { layers }] of images.entries())
    for (const [index, diffId] of layers.entries())
      sizes.set(diffId, fixtures[at]?.layers[index]?.length ?? 0);
  const origin = source(folder);
  const document = describeRecipe(createRecipe(images, profile, 'hybrid-1'), {
    tool: 'bundlefs 0',
    ...(origin !== undefined && { source: origin }),
    findConfig: (digest) => images.find(({ configDigest }) => configDigest === digest)?.config,
    findLayerSize: (diffId) => sizes.get(diffId),
  });
  const path = join(folder, 'app.json');
  await writeFile(path, JSON.stringify(change(document)));
  return { path, folder, fixtures, document };
}

const openRecipe = (path: string): Promise<ImageSource> => openSource(`recipe:${path}`);

/** A sink that has all layers of `fixtures` at hand. */
function createFullSink(fixtures: readonly FixtureImage[]): ReturnType<typeof createRecordingSink> {
  return createRecordingSink(fixtures.flatMap((fixture) => expectedImage(fixture).layers));
}

describe('the source of a recipe', () => {
  it('gives the images, by name, pattern or id, with layers that the sink has, and reads nothing', async () => {
    const { path, fixtures } = await writeRecipe();
    const sink = createFullSink(fixtures);
    const source = await openRecipe(path);
    const images = await source.readImages([], sink);
    expect(images.map(({ configDigest }) => configDigest)).toEqual(
      fixtures.map((fixture) => expectedImage(fixture).configDigest),
    );
    const [web] = fixtures.map(expectedImage);
    const references = ['tiny/web:latest', web?.configDigest ?? ''].map(parseReference);
    const [named, ...others] = await source.readImages(references, sink);
    expect(others).toEqual([]);
    expect(named).toMatchObject({ configDigest: web?.configDigest, tags: ['docker.io/tiny/web:latest'] });
    expect((await source.readImages([parseReference('tiny/w*')], sink)).length).toBeGreaterThan(1);
    await expect(source.readImages([parseReference('tiny/wep:latest')], sink)).rejects.toMatchObject({
      code: 'image-not-found',
      hint: expect.stringContaining('tiny/web:latest') as string,
    });
  });

  it('says what a plan needs: layers with exact sizes', async () => {
    const { path, fixtures } = await writeRecipe();
    const source = await openRecipe(path);
    const survey = await source.surveyImages?.([], createRecordingSink());
    const [first] = survey ?? [];
    expect(first?.layers.map(({ size, isExact }) => [size, isExact])).toEqual(
      fixtures[0]?.layers.map((layer) => [layer.length, true]),
    );
    expect(survey).toHaveLength(fixtures.length);
  });

  it('reads what the sink lacks from the source that it names, an archive or a layout', async () => {
    for (const [origin, write] of [
      [(folder: string) => join(folder, 'images.tar'), writeLegacyArchive],
      [(folder: string) => `oci:${folder}`, writeOciLayout],
    ] as const) {
      const { path, folder, fixtures } = await writeRecipe(origin);
      await write(origin(folder).replace('oci:', ''), fixtures);
      const sink = createRecordingSink();
      const images = await (await openRecipe(path)).readImages([parseReference('tiny/web:latest')], sink);
      expect(images).toHaveLength(1);
      for (const diffId of images[0]?.layers ?? []) expect(sink.layers.has(diffId)).toBe(true);
    }
  });

  it('throws block-missing with what is missing and what to do, whether it names no source, one that is gone, or one with other images', async () => {
    const none = await writeRecipe();
    const error = await (
      await openRecipe(none.path)
    )
      .readImages([], createRecordingSink())
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'block-missing' });
    const { message, hint } = error as { message: string; hint: string };
    expect(message).toContain('names no other source');
    expect(hint).toContain(none.document.images[0]?.layers[0]);
    expect(hint).toContain('--cache');
    expect(hint).toContain('bundlefs build --from SOURCE');
    const gone = await writeRecipe(() => '/nowhere/images.tar');
    await expect((await openRecipe(gone.path)).readImages([], createRecordingSink())).rejects.toMatchObject({
      code: 'block-missing',
      message: expect.stringContaining('there is no such file') as string,
    });
    const other = await writeRecipe((folder) => join(folder, 'images.tar'));
    const path = join(other.folder, 'images.tar');
    await writeLegacyArchive(path, await buildSampleImages({ revision: 2 }));
    await expect(
      (await openRecipe(other.path)).readImages([parseReference('tiny/web:latest')], createRecordingSink()),
    ).rejects.toMatchObject({
      code: 'block-missing',
      message: expect.stringContaining('any more') as string,
    });
  });

  it('reads no source that nobody has written there: itself, another recipe, standard input', async () => {
    for (const make of [
      (own: string) => `recipe:${join(own, 'app.json')}`,
      () => 'recipe:other.json',
      () => '-',
    ]) {
      const { path } = await writeRecipe(make);
      await expect((await openRecipe(path)).readImages([], createRecordingSink())).rejects.toMatchObject({
        code: 'block-missing',
        message: expect.stringContaining('Cannot read the source of a recipe') as string,
      });
    }
  });

  it('does not blame the source for a cache that is full', async () => {
    const { path, folder, fixtures } = await writeRecipe((own) => join(own, 'images.tar'));
    await writeLegacyArchive(join(folder, 'images.tar'), fixtures);
    const full = new BundleError('cache-full', 'Cannot store: no space');
    const sink = { ...createRecordingSink(), addLayer: () => Promise.reject(full) };
    await expect((await openRecipe(path)).readImages([], sink)).rejects.toBe(full);
  });

  it('takes configs that the cache keeps where the recipe has none, as in .bundlefs/recipe.json', async () => {
    const { path, fixtures } = await writeRecipe(
      () => undefined,
      (document) => ({
        ...document,
        images: document.images.map(({ tags, config, layers }) => ({ tags, config, layers })),
      }),
    );
    const sink = createFullSink(fixtures);
    const source = await openRecipe(path);
    await expect(source.readImages([], sink)).rejects.toMatchObject({
      code: 'block-missing',
      message: expect.stringContaining('config') as string,
    });
    for (const fixture of fixtures) {
      const { configDigest, config } = expectedImage(fixture);
      await sink.keepConfig(configDigest, config);
    }
    expect(await source.readImages([], sink)).toHaveLength(fixtures.length);
  });

  it.each([
    ['archive-not-found', () => undefined],
    ['archive-corrupt', () => '{'],
    ['archive-corrupt', (text: string) => text.replace('"layers":["sha256:', '"layers":["md5:')],
    ['archive-unsupported', (text: string) => text.replace('bundlefs-recipe-1', 'bundlefs-recipe-9')],
    ['archive-unsupported', () => '{"format":"bundlefs-bundle-1"}'],
    ['config-mismatch', (text: string) => text.replace('\\"architecture\\"', '\\"architecturf\\"')],
    [
      'archive-corrupt',
      (text: string) => text.replace(/"layers":\["(sha256:[0-9a-f]{64})"/, '"layers":["$1","$1"'),
    ],
  ])('refuses a file that is none with %s', async (code, change) => {
    const { path, fixtures } = await writeRecipe();
    const text = change(await readFile(path, 'utf8'));
    const broken = `${path}.broken`;
    if (text !== undefined) await writeFile(broken, text);
    const reading = openRecipe(broken).then((source) => source.readImages([], createFullSink(fixtures)));
    await expect(reading).rejects.toMatchObject({ code });
  });
});
