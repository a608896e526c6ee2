import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { bundleDescriptionSchema, encodeBundleDescription } from '../../src/bundle/description.ts';
import { sketchBundle, sketchParts } from '../product/stick/descriptions.ts';

const schemaPath = fileURLToPath(new URL('../../docs/bundle.schema.json', import.meta.url));

describe('bundle.json', () => {
  it('has the schema that docs/bundle.schema.json publishes (written anew by: vitest run -u test/stick)', async () => {
    const schema = { title: 'bundle.json of bundlefs', ...z.toJSONSchema(bundleDescriptionSchema) };
    const options = await resolveConfig(schemaPath);
    const text = await format(JSON.stringify(schema), { ...options, parser: 'json' });
    await expect(text).toMatchFileSnapshot(schemaPath);
  });

  it('has each part, image and layer on a line of its own, in the shape that scripts read', () => {
    const { description } = sketchBundle(
      [
        { names: ['docker.io/shop/a:1', 'docker.io/shop/a:2'], content: 'a', layers: ['base:1000', 'a:10'] },
        { names: [], content: 'b', layers: [] },
      ],
      { parts: sketchParts(['one', 'two']) },
    );
    const text = Buffer.from(encodeBundleDescription(description)).toString();
    expect(bundleDescriptionSchema.parse(JSON.parse(text))).toEqual(description);
    const lines = text.split('\n');
    expect(
      lines.filter((line) =>
        /^ {4}\{ "name": "images\.tar\.xz\.00[12]", "size": \d+, "sha256": "[0-9a-f]{64}" \},?$/.test(line),
      ),
    ).toHaveLength(2);
    expect(
      lines.filter((line) =>
        /^ {4}\{ "names": \[.*\], "id": "sha256:[0-9a-f]{64}", "platform": "linux\/amd64", "created": ".*", "size": \d+, "layers": \[.*\] \},?$/.test(
          line,
        ),
      ),
    ).toHaveLength(2);
    expect(
      lines.filter((line) =>
        /^ {4}\{ "diffId": "sha256:[0-9a-f]{64}", "size": \d+, "storedSize": \d+ \},?$/.test(line),
      ),
    ).toHaveLength(2);
    expect(lines.filter((line) => /^ {2}"(parts|images|layers)": \[$/.test(line))).toHaveLength(3);
    expect(lines.filter((line) => /^ {2}\],?$/.test(line))).toHaveLength(3);
    expect(text.endsWith('}\n')).toBe(true);
  });

  it('is ASCII without markup, whatever a config says of itself', () => {
    const { description } = sketchBundle(
      [{ names: ['docker.io/a/b:1'], content: 'a', layers: ['l:1'], platform: 'línux/</script>&\u2028\n"' }],
      { tool: 'bundlefs ü' },
    );
    const text = Buffer.from(encodeBundleDescription(description)).toString();
    expect(text).toMatch(/^[\n\x20-\x7e]*$/);
    expect(text).not.toMatch(/[<>&]/);
    expect(JSON.parse(text)).toEqual(description);
  });

  it('does not depend on the order in which the description was put together', () => {
    const { description } = sketchBundle([{ names: ['docker.io/a/b:1'], content: 'a', layers: ['l:1'] }]);
    const reversed = JSON.parse(JSON.stringify(description), (_, value: unknown) =>
      value !== null && typeof value === 'object' && !Array.isArray(value)
        ? Object.fromEntries(Object.entries(value).reverse())
        : value,
    ) as typeof description;
    expect(encodeBundleDescription(reversed)).toEqual(encodeBundleDescription(description));
  });

  it('takes no part whose name leads out of the folder', () => {
    const { description } = sketchBundle([]);
    for (const name of ['../images.tar.xz', '/etc/passwd', 'images.tar.xz/..', 'images.tar.xz.1', '']) {
      const parts = [{ name, size: 1, sha256: '0'.repeat(64) }];
      expect(bundleDescriptionSchema.safeParse({ ...description, parts }).success).toBe(false);
    }
  });
});
