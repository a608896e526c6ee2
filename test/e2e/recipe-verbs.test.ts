/** Every verb takes a recipe for images whose archives are gone, and the cache keeps what recipes need where it is told to. */
import { execFile } from 'node:child_process';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { digestOf } from '../../src/ground/digest.ts';
import { buildSampleImages } from '../fixtures/sample-images.ts';
import { writeHybridArchive } from '../fixtures/write-hybrid-archive.ts';
import { createLiveBench, type LiveBench } from '../support/live-bench.ts';
import { startEngine } from '../support/throwaway-engine.ts';
import { startRegistry } from '../support/throwaway-registry.ts';

const run = promisify(execFile);
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

interface Recipes {
  readonly bench: LiveBench;
  /** Archives of revisions 1 and 2, and what was described of them. */
  readonly archives: readonly [string, string];
  readonly recipes: readonly [string, string];
  readonly at: (name: string) => string;
}

async function describeRevisions(): Promise<Recipes> {
  const bench = await createLiveBench({ BUNDLEFS_PRESET: '0' });
  const at = (name: string): string => join(bench.folder, name);
  const archives = [at('r1.tar'), at('r2.tar')] as const;
  const recipes = [at('r1.json'), at('r2.json')] as const;
  for (const revision of [1, 2] as const) {
    const [archive, recipe] = [archives[revision - 1] ?? '', recipes[revision - 1] ?? ''];
    await writeHybridArchive(archive, await buildSampleImages({ revision }));
    await writeFile(recipe, (await bench.runOk(['describe', '--from', archive])).stdout);
  }
  return { bench, archives, recipes, at };
}

it('makes what archives make, when they are gone: squash, thin, delta of either kind, copy', async () => {
  const { bench, archives, recipes, at } = await describeRevisions();
  const verbs = ([first, second]: readonly [string, string], name: string): readonly string[][] => [
    ['squash', 'tiny/web:1.1', '--from', second, '-o', at(`${name}-0`)],
    [
      'thin',
      'tiny/web:1.1',
      '--on',
      'tiny/web:1.0',
      '--from',
      second,
      '--on-from',
      first,
      '-o',
      at(`${name}-1`),
    ],
    ['delta', '--base', recipes[0], '--from', second, '-o', at(`${name}-2`)],
    ['delta', '--base', `recipe:${recipes[0]}`, '--for', 'docker', '--from', second, '-o', at(`${name}-3`)],
    ['build', '--from', second, '-o', at(`${name}-4`)],
  ];
  const ofArchives = verbs(archives, 'a');
  for (const args of ofArchives) await bench.runOk(args);
  for (const archive of archives) await rm(archive);
  const ofRecipes = verbs([`recipe:${recipes[0]}`, `recipe:${recipes[1]}`], 'r');
  for (const args of ofRecipes) await bench.runOk(args);
  for (const index of ofRecipes.keys()) {
    const [wanted, found] = await Promise.all(['a', 'r'].map((name) => readFile(at(`${name}-${index}`))));
    expect(found && wanted?.equals(found), `verb ${index}`).toBe(true);
  }
  await bench.runOk(['copy', at('stick'), '--allow-system-disk', '--from', `recipe:${recipes[1]}`]);
  expect((await readFile(at('stick/images.tar.xz'))).equals(await readFile(at('r-4')))).toBe(true);
});

it('is planned, explained, compared, loaded and pushed', async () => {
  const { bench, archives, recipes } = await describeRevisions();
  for (const archive of archives) await rm(archive);
  const from = ['--from', `recipe:${recipes[1]}`];
  expect((await bench.runOk(['plan', ...from])).stdout.toString()).toMatch(/encode +nothing/);
  expect((await bench.runOk(['stream', ...from])).stdout.length).toBeGreaterThan(1000);
  expect((await bench.runOk(['why', 'tiny/web:1.1'])).stdout.toString()).toContain('layer 2 of web');
  for (const names of [recipes, recipes.map((path) => `recipe:${path}`)]) {
    const { stdout } = await bench.runOk(['diff', ...names, '--files']);
    expect(stdout.toString()).toMatch(/changed +app\/0000\.js/);
  }
  const [web] = await buildSampleImages({ revision: 2 });
  if (web === undefined) throw new TypeError('There is no fixture');
  await using engine = await startEngine();
  await bench.runOk(['load', 'tiny/web:1.1', ...from, '--into', engine.host]);
  const id = await engine.docker('inspect', '-f', '{{.Id}}', 'tiny/web:1.1');
  expect(id.trim()).toBe(digestOf(web.config));
  const registry = await startRegistry();
  onTestFinished(() => registry[Symbol.asyncDispose]());
  await bench.runOk(['push', 'tiny/web:1.1', ...from, `docker://${registry.host}`]);
  const image = `docker://${registry.host}/tiny/web:1.1`;
  const { stdout } = await run('skopeo', ['inspect', '--tls-verify=false', '--config', '--raw', image]);
  expect(stdout).toBe(web.config.toString());
});

it('is mounted with views, and a mount that watches shows the next recipe that takes its place', async () => {
  const { bench, archives, recipes, at } = await describeRevisions();
  for (const archive of archives) await rm(archive);
  const wanted = (await bench.runOk(['stream', '--from', `recipe:${recipes[1]}`])).stdout;
  const mountPoint = await bench.mountPoint();
  await bench.runOk([
    'mount',
    '--watch',
    '--view',
    'images.tar',
    '--from',
    `recipe:${recipes[0]}`,
    mountPoint,
  ]);
  expect((await run('tar', ['-xOf', join(mountPoint, 'images.tar'), 'manifest.json'])).stdout).toContain(
    'tiny/web:1.0',
  );
  await rename(recipes[1], at('r1.json'));
  await bench.waitFor(mountPoint, 'the next generation', ({ generation }) => generation.number > 1);
  expect((await readFile(join(mountPoint, 'images.tar.xz'))).equals(wanted)).toBe(true);
  expect((await run('tar', ['-xOf', join(mountPoint, 'images.tar'), 'manifest.json'])).stdout).toContain(
    'tiny/web:1.1',
  );
});

it('is told from an archive where one is wanted', async () => {
  const { bench, recipes } = await describeRevisions();
  for (const args of [
    ['inspect', recipes[0]],
    ['verify', recipes[0]],
    ['plan', '--from', recipes[0]],
  ]) {
    const { status, stderr } = await bench.run(args);
    expect([status, stderr]).toEqual([5, expect.stringContaining(`--from recipe:${recipes[0]}`)]);
  }
});

describe('cache gc', () => {
  const everything = ['cache', 'gc', '--keep-last', '0', '--max-size', '1'];

  it('keeps all that the recipes named need, removes nothing where one cannot be read, and of the others says what is missing and what to do', async () => {
    const { bench, archives, recipes, at } = await describeRevisions();
    for (const archive of archives) await rm(archive);
    const unread = await bench.run([...everything, '--keep-recipe', at('none.json')]);
    expect([unread.status, unread.stderr]).toEqual([5, expect.stringContaining('nothing was removed')]);
    const wanted = (await bench.runOk(['stream', '--from', `recipe:${recipes[0]}`])).stdout;
    const { stdout, stderr } = await bench.runOk([...everything, '--keep-recipe', recipes[0]]);
    expect(stdout.toString()).toContain('needed for a recipe to keep');
    expect(stderr).not.toContain('not in this cache');
    const tooLate = await bench.runOk([
      ...everything,
      '--keep-recipe',
      recipes[1],
      '--keep-recipe',
      recipes[0],
    ]);
    expect(tooLate.stderr).toContain(`1 layer of the recipe "${recipes[1]}" is not in this cache`);
    const again = await bench.runOk(['build', '--from', `recipe:${recipes[0]}`, '-o', at('x'), '--json']);
    expect((await readFile(at('x'))).equals(wanted)).toBe(true);
    expect(JSON.parse(again.stdout.toString())).toMatchObject({ bytes: { encoded: 0 } });
    const lost = await bench.run(['stream', '--from', `recipe:${recipes[1]}`]);
    expect(lost.status).toBe(6);
    expect(lost.stderr).toMatch(
      /1 of 4 layers is not in the cache, and its source cannot be read .*no such file/,
    );
    expect(lost.stderr).toMatch(/Missing: sha256:[0-9a-f]{64}\n/);
    expect(lost.stderr).toMatch(/bundlefs build --from SOURCE tiny\/web:1\.1/);
    expect(lost.stderr).toContain('--keep-recipe');
  });

  it('goes by gc.keepRecipes of the project file, also after a build', async () => {
    const { bench, archives, recipes, at } = await describeRevisions();
    for (const archive of archives) await rm(archive);
    const other = at('other.tar');
    await writeHybridArchive(other, await buildSampleImages({ revision: 4 }));
    const write = (keepRecipes: readonly string[]): Promise<void> =>
      writeFile(at('bundlefs.yaml'), JSON.stringify({ gc: { maxSize: 1, keepLast: 0, keepRecipes } }));
    const build = ['stream', '--config', at('bundlefs.yaml'), '--from', other];
    await write(['gone.json']);
    const told = await bench.runOk(build);
    expect(told.stderr).toMatch(/nothing was removed from the cache.*gone\.json/);
    await write(['r1.json']);
    expect((await bench.runOk(build)).stderr).not.toContain('nothing was removed');
    await bench.runOk(['cache', 'gc', '--config', at('bundlefs.yaml')]);
    await bench.runOk(['stream', '--from', `recipe:${recipes[0]}`]);
  });
});
