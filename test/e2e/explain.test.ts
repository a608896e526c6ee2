/** plan, why and diff by the program itself: the one edit of revision 2 is named, and nothing else is. */
import { cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tmpdir } from 'node:os';
import * as z from 'zod';
import { buildSampleImages } from '../fixtures/sample-images.ts';
import { writeHybridArchive } from '../fixtures/write-hybrid-archive.ts';
import { writeLegacyArchive } from '../fixtures/write-legacy-archive.ts';
import { writeOciLayout } from '../fixtures/write-oci-layout.ts';
import { runCli, runCliOk } from '../support/run-cli.ts';

const edited = 'app/0000.js';
let folder: string;
let cache: string;
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bfs-explain-'));
  cache = at('cache');
  for (const revision of [1, 2, 4] as const) {
    await writeLegacyArchive(at(`release-${revision}.tar`), await buildSampleImages({ revision }));
  }
  await runCliOk(['build', '--from', at('release-1.tar'), '-o', at('r1.tar.xz')], { cache });
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function json<T>(schema: z.ZodType<T>, args: readonly string[]): Promise<T> {
  return schema.parse(JSON.parse(String((await runCliOk([...args, '--json'], { cache })).stdout)));
}

const planSchema = z.object({
  images: z.array(
    z.object({ names: z.array(z.string()), change: z.string(), newLayers: z.array(z.string()) }),
  ),
  newLayers: z.array(z.object({ size: z.number(), createdBy: z.string(), newBytes: z.number().optional() })),
  encode: z.object({ bytes: z.number(), isExact: z.boolean(), blocks: z.number().optional() }),
  read: z.object({ bytes: z.number() }),
});
const whySchema = z.object({
  image: z.object({ names: z.array(z.string()) }),
  earlier: z.object({ names: z.array(z.string()) }).optional(),
  layers: z.array(
    z.object({
      createdBy: z.string(),
      encoded: z.object({ bytes: z.number(), blocks: z.number() }),
      files: z.array(z.object({ path: z.string(), reason: z.string(), encodedSize: z.number() })).optional(),
    }),
  ),
});
const sumsSchema = z.object({
  builds: z.number(),
  encoded: z.object({ bytes: z.number(), storedBytes: z.number() }),
});
const sinceSchema = sumsSchema.extend({
  encodingBuilds: z.number(),
  images: z.array(
    sumsSchema.extend({
      name: z.string(),
      steps: z.array(sumsSchema.extend({ createdBy: z.string() })),
    }),
  ),
});
const diffSchema = z.object({
  images: z.array(
    z.object({
      change: z.string(),
      newBytes: z.number().optional(),
      files: z
        .array(
          z.object({ path: z.string(), change: z.string(), differences: z.array(z.string()).optional() }),
        )
        .optional(),
    }),
  ),
  new: z.object({ bytes: z.number(), blocks: z.number().optional() }),
});

describe('plan', () => {
  it('knows everything of what was built, and ends with 0', async () => {
    const plan = await json(planSchema, ['plan', '--from', at('release-1.tar'), '--exit-code']);
    expect(plan.images.map(({ change }) => change)).toEqual(['same', 'same', 'same']);
    expect(plan).toMatchObject({ encode: { bytes: 0, isExact: true }, read: { bytes: 0 }, newLayers: [] });
  });

  it('names the changed layer, and with --exact what the build then encodes of it', async () => {
    const args = ['plan', '--from', at('release-2.tar')];
    const quick = await json(planSchema, args);
    expect(quick.newLayers).toHaveLength(1);
    expect(quick.newLayers[0]).toMatchObject({ createdBy: 'layer 2 of web' });
    expect(quick.encode.isExact).toBe(false);
    const exact = await json(planSchema, [...args, '--exact']);
    expect(exact.encode.isExact).toBe(true);
    expect(exact.encode.bytes).toBeLessThanOrEqual(quick.encode.bytes);
    expect((await runCli([...args, '--exit-code'], { cache })).status).toBe(10);
    const other = at('cache-exact');
    await runCliOk(['build', '--from', at('release-1.tar'), '-o', at('e1')], { cache: other });
    await runCliOk(['build', '--from', at('release-2.tar'), '-o', at('e2')], { cache: other });
    const why = await runCliOk(['why', 'tiny/web', '--json'], { cache: other });
    const { layers } = whySchema.parse(JSON.parse(String(why.stdout)));
    expect(layers.reduce((sum, layer) => sum + layer.encoded.bytes, 0)).toBe(exact.encode.bytes);
  });

  it('gives images the names that --tag-as gives them', async () => {
    const args = ['plan', '--from', at('release-1.tar'), '--tag-as', 'tiny/*=customer/*'];
    const { images } = await json(planSchema, args);
    expect(images.flatMap(({ names }) => names)).toContain('customer/db:5');
    expect(images.map(({ change }) => change)).toEqual(['retagged', 'retagged', 'retagged']);
  });

  it('plans OCI layouts, standard input, and with no build to go by', async () => {
    const images = await buildSampleImages({ revision: 2 });
    await writeOciLayout(at('layout'), images);
    expect((await json(planSchema, ['plan', '--from', `oci:${at('layout')}`])).newLayers).toHaveLength(1);
    const input = [await readFile(at('release-2.tar'))];
    const result = await runCliOk(['plan', '--from', '-', '--json'], { cache, input });
    expect(planSchema.parse(JSON.parse(String(result.stdout))).encode.isExact).toBe(true);
    const first = await runCliOk(['plan', '--from', at('release-1.tar')], { cache: at('empty') });
    expect(String(first.stdout)).toContain('3 images: 3 new');
    expect(String(first.stdout)).toContain('unknown');
  });
});

describe('why', () => {
  it('names the edited file as changed and its neighbours as such; files add up to what was encoded', async () => {
    await runCliOk(['build', '--from', at('release-2.tar'), '-o', at('r2.tar.xz')], { cache });
    const why = await json(whySchema, ['why', 'tiny/web:1.1']);
    expect(why.earlier?.names).toEqual(['tiny/web:1.0', 'tiny/web:latest']);
    const encoded = why.layers.filter((layer) => layer.encoded.blocks > 0);
    expect(encoded.map(({ createdBy }) => createdBy)).toEqual(['layer 2 of web']);
    const files = encoded[0]?.files ?? [];
    const causes = files.filter(({ reason }) => reason !== 'neighbour');
    expect(causes.map(({ path, reason }) => [path, reason])).toEqual([[edited, 'content']]);
    const sum = files.reduce((total, file) => total + file.encodedSize, 0);
    const rest = (encoded[0]?.encoded.bytes ?? 0) - sum;
    expect(rest).toBeGreaterThanOrEqual(0);
    expect(rest).toBeLessThanOrEqual(1024);
    const text = String((await runCliOk(['why', 'tiny/web:1.1'], { cache })).stdout);
    expect(text).toContain(`${edited}  content changed`);
  });

  it('--since sums over builds: each repository once, whatever its tags, and shared layers in each', async () => {
    const since = await json(sinceSchema, ['why', '--since', '1d']);
    expect(since).toMatchObject({ builds: 2, encodingBuilds: 2 });
    expect(since.images.map(({ name }) => name).sort()).toEqual(['tiny/db', 'tiny/web', 'tiny/worker']);
    const web = since.images.find(({ name }) => name === 'tiny/web');
    expect(web?.builds).toBe(2);
    const edited = web?.steps.find(({ createdBy }) => createdBy === 'layer 2 of web');
    expect(edited?.builds).toBe(2);
    expect(web?.steps.reduce((sum, step) => sum + step.encoded.bytes, 0)).toBe(web?.encoded.bytes);
    const one = await json(sinceSchema, ['why', 'tiny/web', '--since', '1d']);
    expect(one.images).toEqual([web]);
    const later = await json(sinceSchema, ['why', '--since', '2999-01-01']);
    expect(later).toMatchObject({ builds: 0, encodingBuilds: 0, images: [] });
    const text = String((await runCliOk(['why', '--since', '1d', '--top', '1'], { cache })).stdout);
    expect(text).toMatch(/^2 builds since .* UTC, of which 2 encoded /);
  });

  it.each([
    ['neither an image nor a time', ['why'], 2, '--since'],
    ['a time that is none', ['why', '--since', 'yesterday'], 2, '7d'],
    ['an image that no build since then had', ['why', 'tiny/wep', '--since', '1d'], 3, 'tiny/web:1.1'],
    ['an image that no build had', ['why', 'tiny/wep:1.1'], 3, 'tiny/web:1.1'],
    ['a build that is not there', ['why', 'tiny/web', '--build', '99'], 2, 'The oldest is'],
    ['a name that is none', ['why', 'Tiny/Web'], 2, 'lower case'],
  ])('refuses %s', async (_, args, status, hint) => {
    const result = await runCli(args, { cache });
    expect(result.status).toBe(status);
    expect(result.stderr).toContain(hint);
  });
});

describe('diff', () => {
  it.each([
    ['bundles', () => [at('r1.tar.xz'), at('r2.tar.xz')]],
    ['docker archives', () => [at('release-1.tar'), at('release-2.tar')]],
    ['an archive and an OCI layout with compressed layers', () => [at('release-1.tar'), at('layout-gzip')]],
    ['builds', () => ['@1', '@0']],
  ])('finds the one edited file between %s', async (_, sides) => {
    await writeHybridArchive(at('hybrid.tar'), await buildSampleImages({ revision: 2 }));
    await writeOciLayout(at('layout-gzip'), await buildSampleImages({ revision: 2 }), {
      compression: 'gzip',
    });
    const own = at('cache-diff');
    for (const [index, name] of ['release-1.tar', 'release-2.tar'].entries()) {
      await runCliOk(['build', '--from', at(name), '-o', at(`r${index + 1}.tar.xz`)], { cache: own });
    }
    const result = await runCliOk(['diff', ...sides(), '--files', '--json'], { cache: own });
    const diff = diffSchema.parse(JSON.parse(String(result.stdout)));
    expect(diff.images.map(({ change }) => change).sort()).toEqual(['rebuilt', 'same', 'same']);
    const files = diff.images.find(({ change }) => change === 'rebuilt')?.files ?? [];
    expect(files).toMatchObject([{ path: edited, change: 'changed', differences: ['content', 'times'] }]);
  });

  it('a base update reaches every image; what they share is listed once', async () => {
    const args = ['diff', at('release-1.tar'), at('release-4.tar'), '--files', '--exit-code'];
    const result = await runCli(args, { cache });
    expect(result.status).toBe(10);
    const text = String(result.stdout);
    expect(text).toContain('All 3 rebuilt images: 1 changed');
    expect(text.match(/etc\/version/g)).toHaveLength(1);
  });

  it('reads mounts and copies of them in parts, and says with --media which parts to replace', async () => {
    const sides = [at('stick-1'), at('stick-2')];
    for (const [index, side] of sides.entries()) {
      const mountPoint = at(`mount-${index + 1}`);
      await mkdir(mountPoint);
      const args = ['--from', at(`release-${index + 1}.tar`), '--max-file-size', '200K', mountPoint];
      await runCliOk(['mount', ...args], { cache });
      try {
        const live = await runCliOk(['diff', at(`release-${index + 1}.tar`), mountPoint], { cache });
        expect(String(live.stdout)).toContain('All 3 images the same');
        await cp(mountPoint, side, { recursive: true });
      } finally {
        await runCliOk(['unmount', mountPoint], { cache });
      }
    }
    const result = await runCliOk(['diff', ...sides, '--files', '--media'], { cache });
    const text = String(result.stdout);
    expect(text).toContain(`changed  ${edited}`);
    expect(text).toMatch(/write +images\.tar\.xz\.\d{3} .*replaces the old one/);
    expect(text).toMatch(/parts? to write, .*; \d+ parts? to keep/);
    const refused = await runCli(['diff', at('release-1.tar'), at('stick-2'), '--media'], { cache });
    expect(refused).toMatchObject({ status: 2, stderr: expect.stringContaining('bundle.json') as string });
  });

  it('a bundle is no different from itself', async () => {
    const result = await runCliOk(['diff', at('r1.tar.xz'), at('r1.tar.xz'), '--exit-code'], { cache });
    expect(String(result.stdout)).toContain('All 3 images the same');
  });

  it.each([
    ['a file that is not there', ['diff', '/nowhere', '/nowhere'], 5, 'no such file'],
    ['a build that is not there', ['diff', '@98', '@0'], 2, 'The oldest is'],
    ['a folder of nothing', ['diff', '/proc/self/fdinfo', '@0'], 5, 'no bundle in it'],
  ])('refuses %s', async (_, args, status, hint) => {
    const result = await runCli(args, { cache });
    expect(result.status).toBe(status);
    expect(result.stderr).toContain(hint);
  });
});

it('every command of docs/explaining.md does what it should', async () => {
  const page = await readFile(new URL('../../docs/explaining.md', import.meta.url), 'utf8');
  const blocks = [...page.matchAll(/```sh\n([^`]*)```/g)].flatMap(([, text = '']) => text.trim().split('\n'));
  expect(blocks.length).toBeGreaterThan(8);
  for (const line of blocks) {
    const [program, ...args] = line.split(' ');
    expect(program).toBe('bundlefs');
    const paths = args.map((arg) => (/\.(?:tar|xz)$/.test(arg) ? at(arg) : arg));
    await runCliOk(paths, { cache: at('cache-docs') });
  }
});
