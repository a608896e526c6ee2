/** What `--base` stands for: numbers that stay, images as build makes them, parts, ids; and what is said of the size. */
import { execFileSync } from 'node:child_process';
import { copyFile, cp, mkdir, mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { buildSampleImages } from '../fixtures/sample-images.ts';
import { writeHybridArchive } from '../fixtures/write-hybrid-archive.ts';
import { runCli, runCliOk } from '../support/run-cli.ts';
import { makeTempFolder } from '../support/temp-folder.ts';

vi.setConfig({ testTimeout: 120_000 });

interface DeltaReport {
  readonly base: { readonly title: string; readonly size: number; readonly sha256: string };
  readonly bundle: { readonly sha256: string };
  readonly blocks: { readonly base: number; readonly new: number };
  readonly share: number;
  readonly warnings: readonly string[];
}

let root: string;
let warm: string;
const bundle = (revision: 1 | 2 | 3): string => join(root, `${revision}.tar.xz`);
const from = (revision: 1 | 2 | 3): string[] => [
  ...['--no-config', '--preset', '0', '--from', join(root, `${revision}.tar`)],
];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'bfs-'));
  warm = join(root, 'cache');
  for (const revision of [1, 2, 3] as const) {
    await writeHybridArchive(join(root, `${revision}.tar`), await buildSampleImages({ revision, scale: 4 }));
    if (revision < 3) await runCliOk(['build', ...from(revision), '-o', bundle(revision)], { cache: warm });
  }
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** A copy of the cache in which first revision 1 and then 2 were built. */
async function copyCache(): Promise<string> {
  const copy = join(await makeTempFolder(), 'cache');
  await cp(warm, copy, { recursive: true });
  return copy;
}

function sha256(path: string): string {
  return execFileSync('sha256sum', [path], { encoding: 'utf8' }).slice(0, 64);
}

/** The words for revision 2 where none are given, and what the program said. */
async function makeDelta(
  cache: string,
  base: readonly string[],
  words: readonly string[] = from(2),
): Promise<DeltaReport & { readonly path: string; readonly stderr: string }> {
  const path = join(await makeTempFolder(), 'update.delta');
  const bases = base.flatMap((one) => ['--base', one]);
  const { stdout, stderr } = await runCliOk(['delta', ...words, ...bases, '-o', path, '--json'], { cache });
  // A copy of a cache is another one, whose layers are checked once.
  const said = stderr.replace(/^bundlefs: checked .* wrote to the cache\n/, '');
  return { ...(JSON.parse(stdout.toString()) as DeltaReport), path, stderr: said };
}

describe('--base @N', () => {
  it('is the same bundle each time, whatever deltas were made in between and of which images', async () => {
    const cache = await copyCache();
    const old = sha256(bundle(1));
    for (let round = 0; round < 3; round += 1) {
      const { base, warnings } = await makeDelta(cache, ['@1']);
      expect([base.sha256, warnings]).toEqual([old, []]);
      await makeDelta(cache, ['tiny/db:5', 'tiny/web:1.1']);
      await runCliOk(['build', ...from(2), '-o', join(await makeTempFolder(), 'again.xz')], { cache });
    }
    const { stdout } = await runCliOk(['diff', '@1', '@0', '--json'], { cache });
    const changes = JSON.parse(stdout.toString()) as { images: { change: string }[] };
    expect(changes.images.map(({ change }) => change)).toContain('rebuilt');
  });

  it('counts the bundle of a delta as the one that its target has then', async () => {
    const cache = await copyCache();
    await makeDelta(cache, ['@0'], from(3));
    const { base } = await makeDelta(cache, ['@1'], from(3));
    expect(base.sha256).toBe(sha256(bundle(2)));
  });

  it('says so where it is the new bundle already, and which is the one before', async () => {
    const cache = await copyCache();
    const { stderr, warnings, blocks } = await makeDelta(cache, ['@0']);
    expect(blocks.new).toBe(0);
    expect(stderr).toMatch(/^bundlefs: the base is the new bundle already.* The one before it is @1\.\n$/);
    expect(warnings).toHaveLength(1);
    expect((await makeDelta(cache, [bundle(2)])).stderr).toMatch(/the new bundle already[^@]*$/);
  });
});

describe('--base IMAGE is the bundle that build makes of it', () => {
  it('with the transforms and the names of the project file', async () => {
    const cache = await copyCache();
    const folder = await makeTempFolder();
    const config = join(folder, 'bundlefs.yaml');
    await writeFile(
      config,
      'tagAs: {"tiny/*": "customer/*"}\ntransforms: [{squash: "tiny/web:1.0"}, {squash: "tiny/nothing:1"}]\n',
    );
    const own = ['--config', config, '--preset', '0', '--from', join(root, '1.tar')];
    const old = join(folder, 'old.tar.xz');
    await runCliOk(['build', 'tiny/web:1.0', ...own, '-o', old], { cache });
    const plain = join(folder, 'plain.tar.xz');
    await runCliOk(['build', 'tiny/web:1.0', ...from(1), '-o', plain], { cache });
    expect(sha256(plain)).not.toBe(sha256(old));
    const { base, path } = await makeDelta(cache, ['tiny/web:1.0'], ['tiny/db:5', 'tiny/web:1.0', ...own]);
    expect(base.sha256).toBe(sha256(old));
    execFileSync('sh', [path, '-o', join(folder, 'new'), old], { stdio: 'ignore' });
    const { base: unchanged } = await makeDelta(cache, ['tiny/web:1.0'], ['tiny/db:5', ...from(1)]);
    expect(unchanged.sha256).toBe(sha256(plain));
  });

  it('by its whole id, with and without the name of the sum', async () => {
    const cache = await copyCache();
    const { stdout } = await runCliOk(['inspect', bundle(1), '--json'], { cache });
    const { images } = JSON.parse(stdout.toString()) as { images: { id: string; names: string[] }[] };
    const id = images.find(({ names }) => names.some((name) => name.includes('web:1.0')))?.id ?? '';
    expect(id).toMatch(/^sha256:[0-9a-f]{64}$/);
    const short = await makeDelta(cache, [id.slice(7, 19)], ['tiny/db:5', ...from(1)]);
    for (const given of [id, id.slice('sha256:'.length)]) {
      const { base } = await makeDelta(cache, [given], ['tiny/db:5', ...from(1)]);
      expect(base.sha256).toBe(short.base.sha256);
    }
  });
});

it('--base recipe:FILE is what describe wrote, as the file is', async () => {
  const cache = await copyCache();
  const recipe = join(await makeTempFolder(), 'app.json');
  const { stdout } = await runCliOk(['describe', ...from(1)], { cache });
  await writeFile(recipe, stdout);
  for (const given of [recipe, `recipe:${recipe}`]) {
    const { base } = await makeDelta(cache, [given]);
    expect(base.sha256).toBe(sha256(bundle(1)));
  }
});

describe('--base images.tar.xz.001', () => {
  it('is the bundle of all parts beside it, with a bundle.json or without', async () => {
    const cache = await copyCache();
    const folder = join(await makeTempFolder(), 'parts');
    await mkdir(folder);
    const bytes = await readFile(bundle(1));
    const half = bytes.length >> 1;
    await writeFile(join(folder, 'images.tar.xz.001'), bytes.subarray(0, half));
    await writeFile(join(folder, 'images.tar.xz.002'), bytes.subarray(half));
    for (const given of ['images.tar.xz.001', 'images.tar.xz.002', '.']) {
      const { base, path } = await makeDelta(cache, [join(folder, given)]);
      expect([base.size, base.sha256]).toEqual([bytes.length, sha256(bundle(1))]);
      execFileSync('sh', [path, '-o', join(folder, `../${given}-new`), folder], { stdio: 'ignore' });
    }
    // The end is not there, and another bundle's.
    await truncate(join(folder, 'images.tar.xz.002'), half - 400);
    const words = ['delta', ...from(2), '--base', join(folder, 'images.tar.xz.001')];
    const { status, stderr } = await runCli([...words, '-o', join(folder, 'x')], { cache });
    expect([status, stderr]).toEqual([5, expect.stringContaining(`Cannot take "${folder}" as the base`)]);
  });
});

it.each([1, 4, 1000])('a base that lacks its last %d bytes is named', async (count) => {
  const path = join(await makeTempFolder(), 'cut.tar.xz');
  await copyFile(bundle(1), path);
  await truncate(path, (await stat(path)).size - count);
  const words = ['delta', ...from(2), '--base', path, '-o', `${path}.delta`];
  const { status, stderr } = await runCli(words, { cache: warm });
  expect([status, stderr]).toEqual([5, expect.stringContaining(`Cannot take "${path}" as the base`)]);
});

describe('a delta that brings most of the bundle says so, and why', () => {
  const other = async (...words: readonly string[]): Promise<string> => {
    const path = join(await makeTempFolder(), 'other.tar.xz');
    const own = ['--no-config', '--from', join(root, '1.tar'), ...words];
    await runCliOk(['build', ...own, '-o', path], { cache: join(path, '../cache') });
    return path;
  };

  it.each([
    [['--preset', '6'], /blocks of the same lengths.*--preset/],
    [['--preset', '0', '--check', 'sha256'], /have the check sha256, and those of this bundle crc64/],
  ])('where the base was built with %j in another cache', async (words, why) => {
    const { stderr, warnings, share } = await makeDelta(await copyCache(), [await other(...words)]);
    expect(share).toBeGreaterThan(0.5);
    expect(stderr).toMatch(/^bundlefs: this delta is \d+\s?% of the whole bundle, for .*\n$/);
    expect(stderr).toMatch(why);
    expect(warnings.map((text) => `bundlefs: ${text}\n`)).toEqual([stderr]);
  });

  it('where the cache knows what it was built with, or another program compressed it', async () => {
    const cache = await copyCache();
    const known = join(await makeTempFolder(), 'known.tar.xz');
    const words = ['--no-config', '--preset', '1', '--check', 'crc32', '--from', join(root, '1.tar')];
    await runCliOk(['build', ...words, '-o', known], { cache });
    const { stderr } = await makeDelta(cache, [known]);
    expect(stderr).toMatch(/made with --preset 1 --check crc32 .*, and this with --preset 0 --check crc64/);
    const foreign = join(await makeTempFolder(), 'foreign.tar.xz');
    execFileSync('sh', ['-c', 'xz -c "$1" >"$2"', 'sh', join(root, '1.tar'), foreign]);
    expect((await makeDelta(cache, [foreign])).stderr).toMatch(/has none of its blocks/);
  });

  it('and a small one says nothing', async () => {
    const { stderr, warnings, share } = await makeDelta(await copyCache(), [bundle(1)]);
    expect([stderr, warnings]).toEqual(['', []]);
    expect(share).toBeLessThan(0.5);
  });
});

it('one bundle is the base, and not several', async () => {
  const words = ['delta', ...from(2), '--base', '@0', '--base', '@1', '-o', join(root, 'several.delta')];
  const { status, stderr } = await runCli(words, { cache: warm });
  expect([status, stderr]).toEqual([2, expect.stringContaining('it is a whole bundle')]);
});
