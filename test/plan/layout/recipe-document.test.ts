import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { createRecipe, recipeDigest, recipeSchema } from '../../../src/plan/layout/recipe.ts';
import { describeRecipe, recipeDocumentSchema } from '../../../src/plan/layout/recipe-document.ts';
import { createImage } from '../../../src/image/image.ts';

const schemaPath = fileURLToPath(new URL('../../../docs/recipe.schema.json', import.meta.url));
const profile = {
  ...{ liblzma: '5.4.1', preset: 6, extreme: false, check: 'crc64' as const, cutter: 'files-1' },
};

describe('describeRecipe', () => {
  it('has the schema that docs/recipe.schema.json publishes (written anew by: vitest run -u test/blocks)', async () => {
    const schema = { title: 'recipe of bundlefs', ...z.toJSONSchema(recipeDocumentSchema) };
    const options = await resolveConfig(schemaPath);
    const text = await format(JSON.stringify(schema), { ...options, parser: 'json' });
    await expect(text).toMatchFileSnapshot(schemaPath);
  });

  it('is a recipe of the cache, too: of the same digest, whatever stands in it besides', () => {
    const layer = `sha256:${'a'.repeat(64)}`;
    const config = Buffer.from(
      JSON.stringify({ rootfs: { diff_ids: [layer, layer] }, comment: 'ünï\u{1f433}' }),
    );
    const image = createImage(config, ['shop/web:1']);
    const recipe = createRecipe([image], profile, 'hybrid-1');
    const document = describeRecipe(recipe, {
      tool: 'bundlefs 1.2.3',
      source: '/images.tar',
      findConfig: () => config,
      findLayerSize: () => 1024,
    });
    expect(recipeDocumentSchema.parse(JSON.parse(JSON.stringify(document)))).toEqual(document);
    expect(document.images[0]).toMatchObject({
      layerSizes: [1024, 1024],
      configText: config.toString(),
    });
    expect(recipeDigest(recipeSchema.parse(document))).toBe(recipeDigest(recipe));
  });

  it('leaves out a config that is no UTF-8, and sizes of which one is not known', () => {
    const layer = `sha256:${'a'.repeat(64)}`;
    const text = `{"rootfs":{"diff_ids":["${layer}"]}}`;
    const recipe = createRecipe([createImage(Buffer.from(text), [])], profile, 'hybrid-1');
    const options = { tool: 'x', findLayerSize: () => undefined };
    const [image] = describeRecipe(recipe, {
      ...options,
      findConfig: () => Buffer.concat([Buffer.from(text), Buffer.from([0xff])]),
    }).images;
    expect(Object.keys(image ?? {})).toEqual(['tags', 'config', 'layers']);
  });
});
