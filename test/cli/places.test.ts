/** What is wrong with the place that images come from is said of that place, by each verb that takes one. */
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildSampleImages } from '../fixtures/sample-images.ts';
import { writeLegacyArchive } from '../fixtures/write-legacy-archive.ts';
import { runCli, runCliOk } from '../support/run-cli.ts';

let folder: string;
let image: string;
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bfs-'));
  const images = (await buildSampleImages({ revision: 1 })).slice(0, 1);
  image = images[0]?.tags[0] ?? '';
  await writeLegacyArchive(at('r1.tar'), images);
  await mkdir(at('sub'));
  await writeFile(at('empty.tar'), '');
});

afterAll(() => rm(folder, { recursive: true }));

const isFolder = 'it is a folder';
const isNameless = 'no file or folder is named';

/** In the folder where the output would be, too. */
const places: readonly (readonly [place: () => string, why: string, status: number])[] = [
  [() => folder, isFolder, 5],
  [() => at('sub'), isFolder, 5],
  [() => `recipe:${folder}`, isFolder, 5],
  [() => 'oci:', isNameless, 2],
  [() => 'recipe:', isNameless, 2],
  [() => `oci:${folder}`, 'it is not an OCI layout', 5],
  [() => `oci:${at('r1.tar')}`, 'it is not a folder', 5],
  [() => at('gone.tar'), 'there is no such file or folder', 5],
  [() => `recipe:${at('gone.json')}`, 'there is no such file', 5],
  [() => at('empty.tar'), 'the file is empty', 5],
  [() => 'docker://', 'a registry or an image was expected', 2],
];

const out = (): string[] => ['-o', at('out.tar.xz')];
const verbs: readonly (readonly [verb: string, args: (place: string) => readonly string[]])[] = [
  ['squash', (place) => ['squash', image, '--from', place, ...out()]],
  ['thin', (place) => ['thin', image, '--on', image, '--from', place, ...out()]],
  [
    'thin --on-from',
    (place) => ['thin', image, '--on', image, '--from', at('r1.tar'), '--on-from', place, ...out()],
  ],
  [
    'delta',
    (place) => [
      'delta',
      '--base',
      image,
      '--from',
      place,
      ...out().map((one) => one.replace('.xz', '.delta')),
    ],
  ],
  ['describe', (place) => ['describe', '--from', place, image]],
  ['plan', (place) => ['plan', '--from', place, image]],
  ['stream', (place) => ['stream', '--from', place, image]],
  ['load', (place) => ['load', '--from', place, image, '--into', 'unix:///no/engine']],
  ['copy', (place) => ['copy', '--allow-system-disk', '--from', place, at('sub'), image]],
];

async function expectRefusals(args: (typeof verbs)[number][1], wrong: typeof places): Promise<void> {
  for (const [place, why, status] of wrong) {
    const result = await runCli(args(place()), { cache: at('cache') });
    expect([place(), result.status, result.stderr]).toEqual([place(), status, expect.stringContaining(why)]);
    expect(result.stderr).not.toContain('Cannot write');
  }
}

it('build says what is wrong with each place, and nothing of the output', async () => {
  await expectRefusals((place) => ['build', '--from', place, ...out(), image], places);
});

// The kinds that were taken for the folder of the output.
it.each(verbs)('%s says the same', async (_, args) => {
  await expectRefusals(
    args,
    places.filter((_place, index) => [0, 3, 4].includes(index)),
  );
});

it('plans a recipe with the layers of the cache, whichever profile they have, as build takes them', async () => {
  const cache = at('cache');
  await runCliOk(['build', '--preset', '0', '--from', at('r1.tar'), '-o', at('a.tar.xz')], { cache });
  const { stdout } = await runCliOk(['describe', '--preset', '0', '--from', at('r1.tar')], { cache });
  await writeFile(at('app.json'), stdout);
  await rename(at('r1.tar'), at('away.tar'));
  const from = ['--from', `recipe:${at('app.json')}`];
  const plan = async (...options: string[]): Promise<{ encode: { bytes: number; isExact: boolean } }> =>
    JSON.parse(
      String((await runCliOk(['plan', '--json', '--exact', ...options, ...from], { cache })).stdout),
    ) as never;
  expect((await plan('--preset', '0')).encode.bytes).toBe(0);
  const other = await plan('--preset', '1');
  expect(other.encode.isExact).toBe(true);
  const built = await runCliOk(['build', '--json', '--preset', '1', ...from, '-o', at('b.tar.xz')], {
    cache,
  });
  const report = JSON.parse(String(built.stdout)) as { bytes: { uncompressed: number } };
  expect(other.encode.bytes).toBeGreaterThan(0);
  expect(other.encode.bytes).toBeLessThanOrEqual(report.bytes.uncompressed);
  await rename(at('away.tar'), at('r1.tar'));
});

it('says both of a file that was left alone: that it had these bytes, and what the bundle cost', async () => {
  const build = ['build', '--preset', '0', '--from', at('r1.tar'), '-o', at('same.tar.xz')];
  expect(String((await runCliOk(build, { cache: at('one') })).stdout)).toMatch(/same\.tar\.xz: 1 image, /);
  const again = String((await runCliOk(build, { cache: at('other') })).stdout);
  expect(again).toMatch(
    /same\.tar\.xz: had these bytes already, and was left as it is; 1 image, .*[1-9].* newly encoded, 0 B reused/,
  );
  expect(again).not.toContain('unchanged');
});
