import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { GivenSelection } from '../../src/request/resolve-selection.ts';
import { setScene } from './support.ts';

const file = `
from: docker:unix:///file.sock
platform: linux/arm64
preset: 5
check: crc32
cache: file-cache
`;
const environment = {
  BUNDLEFS_FROM: 'docker:unix:///environment.sock',
  BUNDLEFS_PLATFORM: 'linux/riscv64',
  DOCKER_DEFAULT_PLATFORM: 'linux/s390x',
  BUNDLEFS_PRESET: '3e',
  BUNDLEFS_CHECK: 'sha256',
};
const flags: Partial<GivenSelection> = {
  from: 'images.tar',
  platform: 'linux/amd64',
  preset: { preset: 9, extreme: false },
  check: 'crc64',
  cache: 'flag-cache',
};
const keys = ['from', 'platform', 'preset', 'check', 'cache'] as const;

describe('settings', () => {
  it.each(
    keys.flatMap((key) => [
      { key, isFlag: false, isFile: false, isVariable: false },
      { key, isFlag: false, isFile: false, isVariable: true },
      { key, isFlag: false, isFile: true, isVariable: false },
      { key, isFlag: false, isFile: true, isVariable: true },
      { key, isFlag: true, isFile: false, isVariable: true },
      { key, isFlag: true, isFile: true, isVariable: true },
    ]),
  )(
    'flags beat the file, the file the environment, that the defaults: %o',
    async ({ key, isFlag, isFile, isVariable }) => {
      const line = file.split('\n').find((text) => text.startsWith(key)) ?? '';
      const scene = await setScene(isFile ? { 'bundlefs.yaml': line } : {});
      const given = isFlag ? { [key]: flags[key] } : {};
      const name = `BUNDLEFS_${key.toUpperCase()}`;
      const { settings } = await scene.select(
        given,
        isVariable ? { [name]: environment[name as keyof typeof environment] } : {},
      );
      const ofFile = {
        from: 'docker:unix:///file.sock',
        platform: 'linux/arm64',
        preset: { preset: 5, extreme: false },
        check: 'crc32',
        cache: scene.at('file-cache'),
      };
      // The cache's variable and default are the cache's own to read.
      const ofEnvironment = {
        from: environment.BUNDLEFS_FROM,
        platform: environment.BUNDLEFS_PLATFORM,
        preset: { preset: 3, extreme: true },
        check: 'sha256',
        cache: undefined,
      };
      const defaults = {
        from: undefined,
        platform: undefined,
        preset: { preset: 6, extreme: false },
        check: 'crc64',
        cache: undefined,
      };
      const expected = isFlag
        ? flags[key]
        : isFile
          ? ofFile[key]
          : isVariable
            ? ofEnvironment[key]
            : defaults[key];
      expect(settings[key]).toEqual(expected);
    },
  );

  it('takes the platform that docker pull and docker compose would take if nothing else says one', async () => {
    const scene = await setScene({});
    const { settings } = await scene.select({}, { DOCKER_DEFAULT_PLATFORM: 'linux/s390x' });
    expect(settings.platform).toBe('linux/s390x');
  });

  it.each<Record<string, string>>([
    { BUNDLEFS_PRESET: '12' },
    { BUNDLEFS_CHECK: 'md5' },
    { BUNDLEFS_PLATFORM: 'linux/a/b/c' },
  ])('of the environment are checked: %o', async (variables) => {
    const scene = await setScene({});
    await expect(scene.select({}, variables)).rejects.toMatchObject({
      code: 'invalid-argument',
    });
    expect((await scene.select({}, { BUNDLEFS_PRESET: '' })).settings.preset.preset).toBe(6);
  });
});

describe('--fast', () => {
  it('is preset 1, whatever the file and the environment say', async () => {
    const scene = await setScene({ 'bundlefs.yaml': 'preset: 9e' });
    const { settings } = await scene.select({ fast: true }, { BUNDLEFS_PRESET: '8' });
    expect(settings.preset).toEqual({ preset: 1, extreme: false });
    expect((await scene.select({}, {})).settings.preset).toEqual({ preset: 9, extreme: true });
  });
});

describe('resolveSelection', () => {
  const project = {
    'bundlefs.yaml': `
images: [file/a:1, 'file/*']
imagesFiles: [list.txt]
compose: { files: [c.yml], profiles: [one] }
tagAs: { 'file/a:1': b:1 }`,
    'list.txt': 'list/a:1\n',
    'c.yml':
      'services: { a: { image: "c/a:${TAG-1}" }, b: { image: c/b, profiles: [one] }, c: { image: c/c, profiles: [two] } }',
    'two.env': 'TAG=2',
    'other.txt': 'other/a:1\n',
    'other.yml': 'services: { a: { image: other/c:1 } }',
  };

  it('takes all that the file selects', async () => {
    const scene = await setScene(project);
    const selection = await scene.select();
    expect(selection.patterns.map(({ text }) => text)).toEqual([
      'file/a:1',
      'file/*',
      'list/a:1',
      'c/a:1',
      'c/b',
    ]);
    expect(selection.tagAs.map(({ text, mustMatch }) => [text, mustMatch])).toEqual([['file/a:1=b:1', true]]);
    expect([...selection.files].sort()).toEqual(['.env', 'bundlefs.yaml', 'c.yml', 'list.txt'].map(scene.at));
    expect((await scene.select()).files).toEqual(selection.files);
  });

  it.each([
    [{ images: ['x:1'] }, ['x:1']],
    [{ imagesFile: ['other.txt'] }, ['other/a:1']],
    [{ compose: ['other.yml'] }, ['other/c:1']],
    [
      { images: ['x:1'], imagesFile: ['other.txt'], compose: ['other.yml'] },
      ['x:1', 'other/a:1', 'other/c:1'],
    ],
    [{ profile: ['two'] }, ['file/a:1', 'file/*', 'list/a:1', 'c/a:1', 'c/c']],
    [{ envFile: ['two.env'] }, ['file/a:1', 'file/*', 'list/a:1', 'c/a:2', 'c/b']],
  ])('%o of the command line takes the place of it, as a whole', async (given, expected) => {
    const scene = await setScene(project);
    expect(await scene.names(given)).toEqual(expected);
  });

  it('does not want the tagAs of the file to be for images of the command line', async () => {
    const scene = await setScene(project);
    expect((await scene.select({ images: ['x:1'] })).tagAs.map(({ mustMatch }) => mustMatch)).toEqual([
      false,
    ]);
    expect(
      (await scene.select({ tagAs: ['x:1=y:1'] })).tagAs.map(({ text, mustMatch }) => [text, mustMatch]),
    ).toEqual([['x:1=y:1', true]]);
  });

  it.each(['\ufeff', ''])('names UTF-16 where it is that, with the mark "%s" before it', async (mark) => {
    const scene = await setScene({});
    const little = Buffer.from(`${mark}app:1\r\n`, 'utf16le');
    for (const bytes of [little, Buffer.from(little).swap16()]) {
      for (const name of ['list.txt', 'compose.yaml']) await writeFile(scene.at(name), bytes);
      for (const given of [{ imagesFile: [scene.at('list.txt')] }, { compose: [scene.at('compose.yaml')] }])
        await expect(scene.select(given)).rejects.toThrow(/in UTF-16/);
    }
  });

  it('reads lists with comments, empty lines and ends of lines as on Windows, from standard input too', async () => {
    const scene = await setScene({
      'list.txt': '\uFEFF# all\r\n\r\n  shop/web:1  # the front\r\nshop/*:2\r\n#end',
    });
    expect(await scene.names({ imagesFile: ['list.txt'] })).toEqual(['shop/web:1', 'shop/*:2']);
    const fromInput = await scene.select({ imagesFile: ['-'] }, {}, 'a:1\nb:2');
    expect(fromInput.patterns.map(({ text }) => text)).toEqual(['a:1', 'b:2']);
    expect(fromInput.hasReadInput).toBe(true);
    expect((await scene.select({ imagesFile: ['list.txt'] })).hasReadInput).toBe(false);
  });

  it.each([
    [
      'a space',
      { imagesFile: ['space.txt'] },
      'selection-invalid',
      /space.txt": line 2, column 1: "a b" has a space/,
    ],
    [
      'a bad name',
      { imagesFile: ['bad.txt'] },
      'selection-invalid',
      /bad.txt": line 1, column 3: Cannot read image reference "shop\/WEB"/,
    ],
    ['an empty list', { imagesFile: ['empty.txt'] }, 'selection-invalid', /empty.txt" names no image/],
    ['a missing list', { imagesFile: ['none.txt'] }, 'selection-invalid', /no such file/],
    ['a folder', { imagesFile: ['.'] }, 'selection-invalid', /it is a folder, a list of images was expected/],
    ['standard input twice', { imagesFile: ['-', '-'] }, 'invalid-argument', /standard input twice/],
    [
      'standard input for a list and an archive',
      { imagesFile: ['-'], from: '-' },
      'invalid-argument',
      /standard input twice/,
    ],
    ['a profile of nothing', { profile: ['a'] }, 'invalid-argument', /--profile: no Compose file/],
    [
      'variables of nothing',
      { images: ['a'], envFile: ['a'] },
      'invalid-argument',
      /--env-file: no Compose file/,
    ],
    ['a pattern that is none', { images: ['a['] }, 'invalid-reference', /Cannot read image pattern "a\["/],
  ])('refuses %s', async (_, given, code, message) => {
    const scene = await setScene({
      'space.txt': 'a\na b\n',
      'bad.txt': '  shop/WEB\n',
      'empty.txt': '# nothing\n\n',
    });
    await expect(scene.select(given)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message) as string,
    });
  });
});
