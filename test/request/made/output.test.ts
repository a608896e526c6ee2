/** No verb replaces what it reads, under whatever name. */
import { cp, link, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildSampleImages } from '../../fixtures/sample-images.ts';
import { writeHybridArchive } from '../../fixtures/write-hybrid-archive.ts';
import { writeOciLayout } from '../../fixtures/write-oci-layout.ts';
import { runCli, runCliOk } from '../../support/run-cli.ts';
import { makeTempFolder } from '../../support/temp-folder.ts';

let made: string;

/** An archive, an OCI layout, a bundle, a stick with parts, a project with what it names, and a recipe of the archive. */
beforeAll(async () => {
  made = await mkdtemp(join(tmpdir(), 'bfs-'));
  const images = await buildSampleImages();
  await writeHybridArchive(join(made, 'images.tar'), images);
  await writeHybridArchive(join(made, 'new.tar'), await buildSampleImages({ revision: 2 }));
  await writeOciLayout(join(made, 'layout'), images);
  await writeFile(join(made, 'list.txt'), 'tiny/web:1.0\n');
  await writeFile(join(made, 'compose.yml'), 'services: {web: {image: "tiny/web:1.0"}}\n');
  await writeFile(join(made, 'shop.yaml'), 'images: ["tiny/web:1.0"]\n');
  await mkdir(join(made, 'old'));
  const build = ['build', '--no-config', '--preset', '0', '--from', join(made, 'images.tar')];
  const cache = join(made, 'cache');
  await runCliOk([...build, '-o', join(made, 'old/images.tar.xz')], { cache });
  const delta = ['delta', '--no-config', '--preset', '0', '--from', join(made, 'new.tar')];
  const update = join(made, 'update.delta');
  await runCliOk([...delta, '--base', join(made, 'old'), '--max-file-size', '200KB', '-o', update], {
    cache,
  });
  const { stdout } = await runCliOk(['describe', '--no-config', '--from', join(made, 'images.tar')], {
    cache,
  });
  await writeFile(join(made, 'app.json'), stdout);
});
afterAll(() => rm(made, { recursive: true, force: true }));

async function readAll(folder: string): Promise<Record<string, string>> {
  const names = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((one) =>
    one.isFile(),
  );
  const paths = names.map((one) => join(one.parentPath, one.name));
  return Object.fromEntries(
    await Promise.all(
      paths.map(async (path) => [relative(folder, path), (await readFile(path)).toString('latin1')] as const),
    ),
  );
}

/** Runs in a copy of its own, where the words that begin with "@/" are paths. */
async function expectRefused(
  args: readonly string[],
  where?: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = join(await makeTempFolder(), 'in');
  await cp(made, folder, { recursive: true });
  const recipe = join(folder, 'app.json');
  await writeFile(recipe, (await readFile(recipe, 'utf8')).replaceAll(made, folder));
  await where?.(folder);
  const before = await readAll(folder);
  const words = args.map((word) => word.replace('@/', `${folder}/`));
  const { status, stderr } = await runCli(words, { cache: join(folder, 'cache') });
  expect([status, stderr]).toEqual([7, expect.stringMatching(/is made from|are read from there/)]);
  expect(await readAll(folder)).toEqual(before);
}

const fresh = ['--no-config', '--from', '@/new.tar'];

describe('a delta is not written over', () => {
  it.each([[], ['--for', 'docker']])('the bundle in the folder that is the base: %j', (...kind) =>
    expectRefused(['delta', ...fresh, ...kind, '--base', '@/old', '-o', '@/old/images.tar.xz']),
  );

  it('its bundle.json, or the bundle beside a bundle.json that is the base, or a part of it', async () => {
    const folder = join(await makeTempFolder(), 'parts');
    const makeParts = async (at: string): Promise<void> => {
      await mkdir(join(at, 'parts'));
      const sizes = [1000, 2000];
      const parts = sizes.map((size, index) => ({ name: `images.tar.xz.00${index + 1}`, size }));
      for (const { name, size } of parts) await writeFile(join(at, 'parts', name), Buffer.alloc(size));
    };
    await makeParts(join(folder, '..'));
    for (const base of ['@/parts', '@/parts/images.tar.xz.001']) {
      const args = ['delta', ...fresh, '--base', base, '-o', '@/parts/images.tar.xz.002'];
      await expectRefused(args, makeParts);
    }
    const describeIt = async (at: string): Promise<void> => {
      await writeFile(join(at, 'old/bundle.json'), '{}');
    };
    for (const [base, output] of [
      ['@/old', '@/old/bundle.json'],
      ['@/old/bundle.json', '@/old/images.tar.xz'],
      ['@/old/bundle.json', '@/old/bundle.json'],
    ] as const)
      await expectRefused(['delta', ...fresh, '--base', base, '-o', output], describeIt);
  });

  it('a file of the stick that the base lies on, or what a recipe that is the base names', async () => {
    for (const base of ['@/old', '@/old/images.tar.xz'])
      for (const name of ['load.sh', 'SHA256SUMS']) {
        const args = ['delta', ...fresh, '--base', base, '-o', `@/old/${name}`];
        await expectRefused(args, (at) => writeFile(join(at, 'old', name), 'of the stick'));
      }
    for (const base of ['recipe:@/app.json', '@/app.json'])
      for (const output of ['@/images.tar', '@/app.json'])
        await expectRefused(['delta', ...fresh, '--base', base, '-o', output]);
  });

  it('a link to the bundle, one of the same file, or another spelling of its path', async () => {
    const args = ['delta', ...fresh, '--base', '@/old', '-o'];
    await expectRefused([...args, '@/link.xz'], (at) => symlink('old/images.tar.xz', join(at, 'link.xz')));
    await expectRefused([...args, '@/hard.xz'], (at) =>
      link(join(at, 'old/images.tar.xz'), join(at, 'hard.xz')),
    );
    await expectRefused([...args, '@/old/../old//images.tar.xz']);
    const folder = await makeTempFolder();
    const output = join(folder, 'hard.xz');
    await writeFile(output, 'another file');
    const words = [...args, output].map((word) => word.replace('@/', `${made}/`));
    await runCliOk(words, { cache: join(made, 'cache') });
  });

  it('but may be written beside it', async () => {
    const folder = await makeTempFolder();
    await cp(join(made, 'old'), join(folder, 'old'), { recursive: true });
    const output = join(folder, 'old/update.delta');
    const from = ['--no-config', '--preset', '0', '--from', join(made, 'new.tar')];
    await runCliOk(['delta', ...from, '--base', join(folder, 'old'), '-o', output], {
      cache: join(made, 'cache'),
    });
    expect((await readdir(join(folder, 'old'))).sort()).toEqual(['images.tar.xz', 'update.delta']);
  });
});

describe('no verb writes over', () => {
  const web = 'tiny/web:1.0';
  const older = ['--on', 'tiny/db:5'];

  it.each([
    ['build', '--no-config', '--from', 'oci:@/layout', '-o', '@/layout/index.json'],
    ['build', '--no-config', '--from', 'oci:@/layout', '-o', '@/layout/images.tar.xz'],
    ['squash', web, '--no-config', '--from', 'oci:@/layout', '-o', '@/layout/oci-layout'],
    [
      'thin',
      web,
      '--no-config',
      ...older,
      '--from',
      '@/new.tar',
      '--on-from',
      'oci:@/layout',
      '-o',
      '@/layout/oci-layout',
    ],
    ['delta', '--no-config', '--from', 'oci:@/layout', '--base', '@/old', '-o', '@/layout/oci-layout'],
    ['build', '--config', '@/shop.yaml', '--from', '@/images.tar', '-o', '@/shop.yaml'],
    ['squash', web, '--config', '@/shop.yaml', '--from', '@/images.tar', '-o', '@/shop.yaml'],
    ['delta', '--config', '@/shop.yaml', '--from', '@/images.tar', '--base', '@/old', '-o', '@/shop.yaml'],
    ['build', '--no-config', '--images-file', '@/list.txt', '--from', '@/images.tar', '-o', '@/list.txt'],
    ['build', '--no-config', '--compose', '@/compose.yml', '--from', '@/images.tar', '-o', '@/compose.yml'],
    ['build', '--no-config', '--from', 'recipe:@/app.json', '-o', '@/app.json'],
    ['build', '--no-config', '--from', 'recipe:@/app.json', '-o', '@/images.tar'],
    ['delta', '--no-config', '--from', 'recipe:@/app.json', '--base', '@/old', '-o', '@/images.tar'],
  ])('what it reads: %j', (...args) => expectRefused(args));

  it('a blob of a layout, nor the file that is one under another name', async () => {
    const [blob = ''] = await readdir(join(made, 'layout/blobs/sha256'));
    const args = ['build', '--no-config', '--from', 'oci:@/layout', '-o'];
    await expectRefused([...args, `@/layout/blobs/sha256/${blob}`]);
    await expectRefused([...args, '@/hard'], (at) =>
      link(join(at, 'layout/blobs/sha256', blob), join(at, 'hard')),
    );
  });

  it('the archive that a transform of the project file reads', () =>
    expectRefused(['build', '--config', '@/thin.yaml', '--from', '@/new.tar', '-o', '@/images.tar'], (at) =>
      writeFile(
        join(at, 'thin.yaml'),
        'images: ["tiny/web:1.1"]\ntransforms: [{thin: "tiny/web:1.1", on: "tiny/web:1.0", onFrom: images.tar}]\n',
      ),
    ));
});

it.each([
  ['build'],
  ['squash', 'tiny/web:1.0'],
  ['thin', 'tiny/web:1.0', '--on', 'tiny/db:5'],
  ['delta', '--base', 'tiny/db:5'],
])('"-" is no output of %j: the program says what is', async (...args) => {
  const from = ['--no-config', '--from', join(made, 'images.tar')];
  const { status, stderr } = await runCli([...args, ...from, '-o', '-'], { cache: join(made, 'cache') });
  expect([status, stderr]).toEqual([7, expect.stringContaining('use: bundlefs stream')]);
  await expect(readFile('-')).rejects.toThrow();
});
