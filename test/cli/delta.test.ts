import { execFileSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildSampleImages } from '../fixtures/sample-images.ts';
import { writeHybridArchive } from '../fixtures/write-hybrid-archive.ts';
import { createLiveBench } from '../support/live-bench.ts';
import { runCli, runCliOk } from '../support/run-cli.ts';
import { makeTempFolder } from '../support/temp-folder.ts';

interface DeltaReport {
  readonly delta: { readonly size: number };
  readonly base: { readonly title: string; readonly sha256: string };
  readonly bundle: { readonly sha256: string };
  readonly blocks: { readonly base: number; readonly new: number };
}

let root: string;
let cache: string;
let old: string;
let wanted: string;

/** Two archives and their bundles, in a cache that knows both. */
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'bfs-'));
  cache = join(root, 'cache');
  [old, wanted] = [join(root, 'old.tar.xz'), join(root, 'wanted.tar.xz')];
  for (const revision of [1, 2] as const) {
    const archive = join(root, `${revision}.tar`);
    await writeHybridArchive(archive, await buildSampleImages({ revision, scale: 4 }));
    await runCliOk(build(archive, revision === 1 ? old : wanted), { cache });
  }
});
afterAll(() => rm(root, { recursive: true, force: true }));

const build = (archive: string, output: string): string[] => [
  ...['build', '--no-config', '--preset', '0', '--from', archive, '-o', output],
];

async function makeDelta(
  base: string,
  ...more: readonly string[]
): Promise<{ path: string; report: DeltaReport }> {
  const path = join(await makeTempFolder(), 'update.delta');
  const args = [
    'delta',
    '--no-config',
    '--preset',
    '0',
    '--from',
    join(root, '2.tar'),
    '--base',
    base,
    '-o',
    path,
  ];
  const { stdout } = await runCliOk([...args, '--json', ...more], { cache });
  return { path, report: JSON.parse(stdout.toString()) as DeltaReport };
}

async function expectRebuilt(path: string): Promise<void> {
  const output = join(await makeTempFolder(), 'new');
  execFileSync('sh', [path, '-o', output, old], { stdio: 'ignore' });
  expect((await readFile(join(output, 'images.tar.xz'))).equals(await readFile(wanted))).toBe(true);
}

/** Of the builds in the journal, newest first. */
async function listRecipes(folder: string): Promise<(string | undefined)[]> {
  const names = (await readdir(join(folder, 'v1/builds'))).sort().reverse();
  const texts = names.map((name) => readFile(join(folder, 'v1/builds', name), 'utf8'));
  return (await Promise.all(texts)).map(
    (text) => (JSON.parse(text.replace(/^sha256:.*\n/, '')) as { recipe?: string }).recipe,
  );
}

describe('bundlefs delta takes as the base', () => {
  it('a file, also one that another program compressed, which has nothing in common', async () => {
    const { path, report } = await makeDelta(old);
    expect(report.blocks.new).toBeGreaterThan(0);
    expect(report.blocks.base).toBeGreaterThan(report.blocks.new);
    await expectRebuilt(path);
    const foreign = join(root, 'foreign.tar.xz');
    execFileSync('sh', [
      '-c',
      'xz -T2 --block-size=100KiB -c "$1" >"$2"',
      'sh',
      join(root, '1.tar'),
      foreign,
    ]);
    const { report: other } = await makeDelta(foreign);
    expect(other.blocks.base).toBe(0);
  });

  it('a folder with the bundle, or with its bundle.json alone, where the cache knows it', async () => {
    const folder = await makeTempFolder();
    await cp(old, join(folder, 'images.tar.xz'));
    await expectRebuilt((await makeDelta(folder)).path);
    const { path } = await makeDelta(old);
    execFileSync('sh', [path, '-o', join(folder, 'new'), old], { stdio: 'ignore' });
    await rm(join(folder, 'new/images.tar.xz'));
    const { report } = await makeDelta(join(folder, 'new'));
    expect([report.blocks.new, report.base.sha256]).toEqual([0, report.bundle.sha256]);
    const { report: named } = await makeDelta(join(folder, 'new/bundle.json'));
    expect(named.base).toEqual(report.base);
  });

  it('a build of the journal, the digest of its recipe, and the images of which it would be made', async () => {
    const copy = join(await makeTempFolder(), 'cache');
    await cp(cache, copy, { recursive: true });
    const path = join(await makeTempFolder(), 'update.delta');
    const args = ['delta', '--no-config', '--preset', '0', '--from', join(root, '2.tar'), '-o', path];
    for (const base of ['@1', (await listRecipes(copy)).at(-1) ?? '']) {
      for (const name of base.startsWith('@') ? [base] : [base, base.slice('sha256:'.length)]) {
        await runCliOk([...args, '--base', name], { cache: copy });
        await expectRebuilt(path);
        await rm(path);
      }
    }
    const { stdout } = await runCliOk([...args, '--json', '--base', 'tiny/web:1.1', '--base', 'tiny/db:5'], {
      cache: copy,
    });
    const report = JSON.parse(stdout.toString()) as DeltaReport;
    expect(report.base.title).toBe('tiny/web:1.1, tiny/db:5');
    expect(report.blocks.base).toBeGreaterThan(0);
  });
});

describe('bundlefs delta', () => {
  it('rebuilds images.tar.xz alone with --archive-only, and parts with --max-file-size', async () => {
    const { path } = await makeDelta(old, '--archive-only');
    const folder = join(await makeTempFolder(), 'new');
    execFileSync('sh', [path, '-o', folder, old], { stdio: 'ignore' });
    expect(await readdir(folder)).toEqual(['images.tar.xz']);
    const { path: split } = await makeDelta(old, '--max-file-size', '800KB');
    const parts = join(await makeTempFolder(), 'new');
    execFileSync('sh', [split, '-o', parts, old], { stdio: 'ignore' });
    expect(await readdir(parts)).toContain('images.tar.xz.002');
    execFileSync('sha256sum', ['--quiet', '-c', 'SHA256SUMS'], { cwd: parts });
  });

  it.each([
    ['nowhere.tar.xz', 5, 'there is no such file or folder'],
    ['@999', 2, 'the journal of the cache'],
    [`recipe:sha256:${'0'.repeat(64)}`, 2, 'there is no such recipe'],
    [`sha256:${'0'.repeat(64)}`, 3, 'there is no such recipe'],
    ['0'.repeat(64), 3, 'does not have it'],
    ['docker', 2, 'an engine keeps none'],
    ['/etc/passwd', 5, 'this is not a .xz file'],
    ['/etc', 2, 'there is no bundle in it'],
    ['tiny/nothing:1', 3, 'tiny/nothing:1'],
  ])('refuses the base %s', async (base, status, said) => {
    const path = join(await makeTempFolder(), 'update.delta');
    const args = ['delta', '--no-config', '--from', join(root, '2.tar'), '--base', base, '-o', path];
    const result = await runCli(args, { cache });
    expect([result.status, result.stderr]).toEqual([status, expect.stringContaining(said)]);
    await expect(readFile(path)).rejects.toThrow();
  });

  it('refuses an image as the base where the images come from standard input', async () => {
    const path = join(await makeTempFolder(), 'update.delta');
    const args = ['delta', '--no-config', '--from', '-', '--base', 'tiny/web:1.0', '-o', path];
    const { status, stderr } = await runCli(args, { cache });
    expect([status, stderr]).toEqual([2, expect.stringContaining('cannot be read for both')]);
  });

  it('refuses a bundle.json that the cache does not know, and one that is none', async () => {
    const folder = await makeTempFolder();
    const { path } = await makeDelta(old);
    execFileSync('sh', [path, '-o', join(folder, 'new'), old], { stdio: 'ignore' });
    const json = join(folder, 'new/bundle.json');
    const args = ['delta', '--no-config', '--from', join(root, '2.tar'), '-o', join(folder, 'x')];
    const unknown = await runCli([...args, '--base', json], { cache: join(folder, 'other') });
    expect([unknown.status, unknown.stderr]).toEqual([
      2,
      expect.stringContaining('does not know the bundle'),
    ]);
    await writeFile(json, '{"format": "something"}');
    const none = await runCli([...args, '--base', json], { cache });
    expect([none.status, none.stderr]).toEqual([
      5,
      expect.stringContaining('neither a recipe nor a bundle.json'),
    ]);
  });
});

describe('bundlefs mount --delta-from', () => {
  it('shows update.delta, whose sum stands in SHA256SUMS, and which rebuilds the mounted bundle', async () => {
    const bench = await createLiveBench({ BUNDLEFS_CACHE: cache });
    const mountPoint = await bench.mountPoint();
    const args = ['mount', '--no-config', '--preset', '0', '--from', join(root, '2.tar'), mountPoint];
    const refused = await bench.run([...args, '--delta-from', join(root, 'nowhere.xz')]);
    expect([refused.status, await readdir(mountPoint)]).toEqual([5, []]);
    // The base is known by its digest: it may be gone when the mount has started.
    const lent = join(await makeTempFolder(), 'lent.tar.xz');
    await mkdir(join(lent, '..'), { recursive: true });
    await cp(old, lent);
    await bench.runOk([...args, '--delta-from', lent]);
    await rm(lent);
    expect(await readdir(mountPoint)).toContain('update.delta');
    execFileSync('sha256sum', ['--quiet', '-c', 'SHA256SUMS'], { cwd: mountPoint });
    execFileSync('sh', [join(mountPoint, 'verify.sh'), '--quick'], { stdio: 'ignore' });
    const copy = join(await makeTempFolder(), 'update.delta');
    await cp(join(mountPoint, 'update.delta'), copy);
    await expectRebuilt(copy);
    const stick = join(await makeTempFolder(), 'stick');
    await bench.runOk(['copy', '--allow-system-disk', '--from-mount', mountPoint, stick]);
    expect(await readFile(join(stick, 'update.delta'))).toEqual(await readFile(copy));
    execFileSync('sh', [join(stick, 'verify.sh'), '--quick'], { stdio: 'ignore' });
  });
});
