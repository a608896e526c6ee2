/** One name of a bundle is understood by each verb that takes one, and a name of nothing is refused by each for the same reason. */
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildSampleImages } from '../fixtures/sample-images.ts';
import { writeLegacyArchive } from '../fixtures/write-legacy-archive.ts';
import { writeOciLayout } from '../fixtures/write-oci-layout.ts';
import { type CliResult, runCli, runCliOk } from '../support/run-cli.ts';
import { sha256 } from '../../sample/make-image.mjs';

let folder: string;
let before: string;
let recipe: string;
const at = (name: string): string => join(folder, name);
const run = (args: readonly string[]): Promise<CliResult> => runCli(args, { cache: at('cache') });
const runOk = (args: readonly string[]): Promise<CliResult> => runCliOk(args, { cache: at('cache') });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bfs-'));
  for (const revision of [1, 2] as const) {
    await writeLegacyArchive(at(`r${revision}.tar`), (await buildSampleImages({ revision })).slice(0, 2));
  }
  await writeOciLayout(at('layout'), (await buildSampleImages({ revision: 1 })).slice(0, 2));
  await runOk(['build', '--preset', '0', '--from', at('r1.tar'), '-o', at('old.tar.xz')]);
  const old = await readFile(at('old.tar.xz'));
  before = sha256(old);
  recipe = basename((await readdir(at('cache/v1/recipes')))[0] ?? '', '.json');
  const described = await runOk(['describe', '--preset', '0', '--from', at('r1.tar')]);
  await runOk(['build', '--preset', '0', '--from', at('r2.tar'), '-o', at('new.tar.xz')]);
  for (const name of ['whole', 'recipe', 'parts', 'stick', 'described', 'torn', 'empty', 'kept'])
    await mkdir(at(name));
  await copyFile(at('old.tar.xz'), at('whole/images.tar.xz'));
  await writeFile(at('recipe/recipe.json'), described.stdout);
  await writeFile(at('app.json'), described.stdout);
  await writeFile(at('app.recipe'), described.stdout);
  await copyFile(at(`cache/v1/recipes/${recipe}.json`), at('kept/recipe.json'));
  const middle = Math.floor(old.length / 2);
  await writeFile(at('parts/images.tar.xz.001'), old.subarray(0, middle));
  await writeFile(at('parts/images.tar.xz.002'), old.subarray(middle));
  await mkdir(at('copy'));
  await runOk(['copy', '--preset', '0', '--allow-system-disk', '--from', at('r1.tar'), at('copy')]);
  for (const name of ['stick', 'described', 'torn'])
    await copyFile(at('copy/bundle.json'), at(`${name}/bundle.json`));
  await copyFile(at('copy/images.tar.xz'), at('stick/images.tar.xz'));
  await copyFile(at('parts/images.tar.xz.001'), at('torn/images.tar.xz.001'));
});

afterAll(() => rm(folder, { recursive: true }));

/** Each is the bundle of revision 1. */
const names: readonly (readonly [title: string, name: () => string])[] = [
  ['a file', () => at('old.tar.xz')],
  ['a folder with the archive', () => at('whole')],
  ['the archive in a folder', () => at('whole/images.tar.xz')],
  ['a folder with its parts alone', () => at('parts')],
  ['its first part', () => at('parts/images.tar.xz.001')],
  ['another part', () => at('parts/images.tar.xz.002')],
  ['a stick', () => at('copy')],
  ['a folder with the archive and bundle.json', () => at('stick')],
  ['its bundle.json', () => at('stick/bundle.json')],
  ['a folder with bundle.json alone', () => at('described')],
  ['a bundle.json alone', () => at('described/bundle.json')],
  ['a folder with bundle.json and a part of what it names', () => at('torn')],
  ['a folder with recipe.json alone', () => at('recipe')],
  ['a recipe', () => at('app.json')],
  ['a recipe, as --from has it', () => `recipe:${at('app.json')}`],
  ['a recipe of another name, as --from has it', () => `recipe:${at('app.recipe')}`],
  ['a folder with a recipe of the cache', () => at('kept')],
  ['a digest', () => `sha256:${recipe}`],
  ['a digest without its kind', () => recipe],
  ['a digest, as --from has it', () => `recipe:sha256:${recipe}`],
];

describe.each(names)('%s', (_, name) => {
  it('is what diff compares and what delta takes as the base', async () => {
    const diff = await runOk(['diff', '--json', name(), at('new.tar.xz')]);
    const { images } = JSON.parse(String(diff.stdout)) as { images: { change: string }[] };
    expect(images.map(({ change }) => change)).toEqual(['rebuilt', 'same']);
    const out = at('update.delta');
    const delta = await runOk([
      'delta',
      '--json',
      '--base',
      name(),
      '--preset',
      '0',
      '--from',
      at('r2.tar'),
      '-o',
      out,
    ]);
    expect(JSON.parse(String(delta.stdout))).toMatchObject({ base: { sha256: before } });
  });
});

/** Of diff and of delta: an image may have the name that no file has. */
const refused: readonly (readonly [
  title: string,
  name: () => string,
  why: string,
  diff: number,
  delta: number,
])[] = [
  ['an empty folder', () => at('empty'), 'there is no bundle in it', 5, 2],
  ['a path that is not there', () => at('gone'), 'there is no such file or folder', 5, 5],
  ['a file that is not there', () => `${'x'.repeat(300)}.tar.xz`, 'there is no such file or folder', 5, 5],
  ['a build that is not there', () => '@98', 'The oldest is @', 2, 2],
  ['recipe: alone', () => 'recipe:', 'nothing is named', 2, 2],
  ['oci: alone', () => 'oci:', 'nothing is named', 2, 2],
  ['a recipe that is not there', () => `recipe:sha256:${'0'.repeat(64)}`, 'there is no such recipe', 2, 2],
  ['a digest that is not there', () => '0'.repeat(64), 'there is no such recipe', 2, 3],
];

it.each(refused)('%s is refused by both', async (_, name, why, diffStatus, deltaStatus) => {
  const diff = await run(['diff', name(), at('new.tar.xz')]);
  expect([diff.status, diff.stderr]).toEqual([diffStatus, expect.stringContaining(why)]);
  const delta = await run(['delta', '--base', name(), '--from', at('r2.tar'), '-o', at('x.delta')]);
  expect([delta.status, delta.stderr]).toEqual([deltaStatus, expect.stringContaining(why)]);
});

it('a name that no file can have may be that of an image', async () => {
  const name = `${'x'.repeat(200)}:${'y'.repeat(100)}`;
  expect(await run(['diff', name, at('new.tar.xz')])).toMatchObject({ status: 5 });
  expect(await run(['delta', '--base', name, '--from', at('r2.tar'), '-o', at('x.delta')])).toMatchObject({
    status: 3,
    stderr: expect.stringContaining('Cannot find image') as string,
  });
});

it('an OCI layout is compared, also as --from has it, and is no base', async () => {
  for (const name of [at('layout'), `oci:${at('layout')}`]) {
    await runOk(['diff', name, at('new.tar.xz')]);
    const delta = await run(['delta', '--base', name, '--from', at('r2.tar'), '-o', at('x.delta')]);
    expect([delta.status, delta.stderr]).toEqual([2, expect.stringContaining('there is no bundle in it')]);
  }
});
