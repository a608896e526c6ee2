import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { BundleError } from '../../src/ground/errors.ts';
import { parseProjectFile } from '../../src/request/project-file.ts';
import { projectFileJsonSchema } from '../../src/request/project-file-schema.ts';
import { setScene } from './support.ts';

describe('parseProjectFile', () => {
  it('makes all paths absolute, and leaves what is none', () => {
    const text = `
images: [shop/web:1]
imagesFiles: [list.txt, '-']
compose: { files: [c.yml, /abs/c.yml], envFile: prod.env, profiles: [a], projectName: shop }
from: oci:layout
cache: ../cache
output: out/images.tar.xz
mountPoint: mnt
preset: 9e
check: crc32
platform: linux/arm64
tagAs: { 'shop/*': 'customer/*', 'a:1': [b:1, c:1] }
transforms: [{ squash: a, last: 2 }, { thin: b, on: a, onFrom: last.tar }, { thin: b, on: a, onFrom: docker }]
watch: { debounceMs: 500, logFormat: json, metricsFile: m.prom }
stick: { maxFileSize: 4095M, media: fat32 }
gc: { maxSize: 20G, keepLast: 5, olderThan: 30d, keepRecipes: [r.json], auto: true }
`;
    expect(parseProjectFile(text, '/srv/shop/bundlefs.yaml')).toEqual({
      path: '/srv/shop/bundlefs.yaml',
      images: ['shop/web:1'],
      imagesFiles: ['/srv/shop/list.txt', '-'],
      compose: {
        files: ['/srv/shop/c.yml', '/abs/c.yml'],
        envFile: ['/srv/shop/prod.env'],
        profiles: ['a'],
        projectName: 'shop',
      },
      from: 'oci:/srv/shop/layout',
      cache: '/srv/cache',
      output: '/srv/shop/out/images.tar.xz',
      mountPoint: '/srv/shop/mnt',
      preset: '9e',
      check: 'crc32',
      platform: 'linux/arm64',
      tagAs: { 'shop/*': 'customer/*', 'a:1': ['b:1', 'c:1'] },
      transforms: [
        { squash: 'a', last: 2 },
        { thin: 'b', on: 'a', onFrom: '/srv/shop/last.tar' },
        { thin: 'b', on: 'a', onFrom: 'docker' },
      ],
      watch: { debounceMs: 500, logFormat: 'json', metricsFile: '/srv/shop/m.prom' },
      stick: { maxFileSize: '4095M', media: 'fat32' },
      gc: { maxSize: '20G', keepLast: 5, olderThan: '30d', keepRecipes: ['/srv/shop/r.json'], auto: true },
    });
    for (const from of ['docker', 'docker:unix:///x.sock', '-']) {
      expect(parseProjectFile(`from: "${from}"`, '/srv/bundlefs.yaml').from).toBe(from);
    }
    expect(parseProjectFile('from: images.tar', '/srv/bundlefs.yaml').from).toBe('/srv/images.tar');
    expect(parseProjectFile('# nothing yet', '/srv/bundlefs.yaml')).toEqual({ path: '/srv/bundlefs.yaml' });
  });

  it.each([
    ['imags: [a]', 'line 1, column 1: "imags" is not a key; did you mean "images"?'],
    [
      'images: [a]\nmount-point: x',
      'line 2, column 1: "mount-point" is not a key; did you mean "mountPoint"?',
    ],
    [
      'compose:\n  files: [c.yml]\n  profile: [x]',
      'line 3, column 3: "compose.profile" is not a key; did you mean "profiles"?',
    ],
    [
      'gc: { colour: red }',
      'line 1, column 7: "gc.colour" is not a key; there are maxSize, keepLast, olderThan, keepRecipes, auto',
    ],
    ['images: shop/web:1', 'line 1, column 9: "images" is "shop/web:1", a list was expected'],
    [
      'images:\n  - shop/web:1\n  - 1.2',
      'line 3, column 5: "images[1]" is the number 1.2, text was expected. Put it in quotes',
    ],
    ['images: [""]', 'line 1, column 10: "images[0]" is empty, text that is not empty was expected'],
    ['images:', 'line 1, column 1: "images" is empty, a list was expected'],
    [
      'check: crc46',
      'line 1, column 8: "check" is "crc46", one of crc32, crc64, sha256 was expected; did you mean "crc64"?',
    ],
    [
      'preset: 12',
      'line 1, column 9: "preset" is the number 12, a digit from 0 to 9, with an e behind it for extreme, was expected',
    ],
    [
      'compose: docker-compose.yml',
      'line 1, column 10: "compose" is "docker-compose.yml", a mapping was expected',
    ],
    [
      'compose: { files: [] }',
      'line 1, column 19: "compose.files" is a list, a list with at least one file was expected',
    ],
    ['compose: { profiles: [a] }', 'line 1, column 10: "compose.files" is empty, a list was expected'],
    ['tagAs: [a=b]', 'line 1, column 8: "tagAs" is a list, a mapping was expected'],
    ['tagAs:\n  a: 5', 'line 2, column 6: "tagAs.a" is the number 5, a name or a list of names was expected'],
    [
      'watch: { debounceMs: soon }',
      'line 1, column 22: "watch.debounceMs" is "soon", a whole number was expected',
    ],
    [
      'watch: { debounceMs: -5 }',
      'line 1, column 22: "watch.debounceMs" is the number -5, a whole number from 0 was expected',
    ],
    [
      'gc: { maxSize: 20 potatoes }',
      'line 1, column 16: "gc.maxSize" is "20 potatoes", a size such as 4095M or 20G, or a count of bytes, was expected',
    ],
    [
      'gc: { olderThan: 30 }',
      'line 1, column 18: "gc.olderThan" is the number 30, a time such as 30d or 12h was expected',
    ],
    ['gc: { auto: yes please }', 'line 1, column 13: "gc.auto" is "yes please", true or false was expected'],
    ['- a', 'line 1, column 1: the file is a list, a mapping was expected'],
    ['images: [a]\nimages: [b]', 'line 2, column 1: this key is there twice'],
    ['images: [a\n', 'it is not YAML'],
    ['a: 1\n---\nb: 1', 'line 3, column 1: a second document starts here, one was expected'],
    ['__proto__: { images: [a] }', '"__proto__" is not a key'],
    ['a: &a [*a]', ''],
  ])('%j throws selection-invalid: %s', (text, message) => {
    expect(() => parseProjectFile(text, '/srv/bundlefs.yaml')).toThrow(
      expect.objectContaining({
        code: 'selection-invalid',
        message: expect.stringContaining(message) as string,
      }),
    );
  });

  it('names the file, and lists all faults', () => {
    const fault = ((): BundleError => {
      try {
        parseProjectFile('imags: [a]\ncheck: no\nfrom: 5\n', '/srv/bundlefs.yaml');
      } catch (error) {
        return error as BundleError;
      }
      throw new Error('nothing was thrown');
    })();
    expect(fault.message).toMatch(/^Cannot use "\/srv\/bundlefs.yaml": line 1, column 1: "imags"/);
    for (const part of ['"imags"', '"check"', '"from"'])
      expect(`${fault.message}\n${fault.hint ?? ''}`).toContain(part);
  });
});

describe('the project file', () => {
  it('is found in the working folder, named with --config, and left alone with --no-config', async () => {
    const scene = await setScene({
      'bundlefs.yaml': 'images: [a:1]',
      'other/x.yaml': 'imagesFiles: [list.txt]',
      'other/list.txt': 'b:1',
    });
    expect(await scene.names()).toEqual(['a:1']);
    expect(await scene.names({ config: 'other/x.yaml' })).toEqual(['b:1']);
    expect(await scene.names({ config: false })).toEqual([]);
    await expect(scene.names({ config: 'none.yaml' })).rejects.toMatchObject({
      code: 'selection-invalid',
      message: expect.stringContaining('there is no such file') as string,
    });
  });
});

describe('docs/bundlefs.schema.json', () => {
  it('is what npm run schema writes', async () => {
    const path = new URL('../../docs/bundlefs.schema.json', import.meta.url);
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual(projectFileJsonSchema());
  });

  it('has a description for every key', () => {
    const check = (schema: Record<string, unknown>, path: string): void => {
      for (const [key, value] of Object.entries(
        (schema['properties'] ?? {}) as Record<string, Record<string, unknown>>,
      )) {
        expect(value['description'], `${path}${key}`).toBeTypeOf('string');
        check(value, `${path}${key}.`);
      }
    };
    check(projectFileJsonSchema(), '');
  });
});
