/** Recipes from the command line: images are a small JSON while the cache has their blocks. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildSampleImages } from '../fixtures/sample-images.ts';
import { writeLegacyArchive } from '../fixtures/write-legacy-archive.ts';
import { createLiveBench, type LiveBench } from '../support/live-bench.ts';

async function describeSample(): Promise<{
  bench: LiveBench;
  archive: string;
  recipe: string;
  built: Buffer;
}> {
  const bench = await createLiveBench({ BUNDLEFS_PRESET: '0' });
  const archive = join(bench.folder, 'images.tar');
  await writeLegacyArchive(archive, await buildSampleImages());
  const described = await bench.runOk(['describe', '--from', archive]);
  const recipe = join(bench.folder, 'app.json');
  await writeFile(recipe, described.stdout);
  expect((await bench.runOk(['describe', '--from', archive])).stdout).toEqual(described.stdout);
  const built = (await bench.runOk(['stream', '--from', archive])).stdout;
  return { bench, archive, recipe, built };
}

describe('bundlefs describe', () => {
  it('writes what build, stream, plan, mount and describe itself take for the images, when their archive is gone', async () => {
    const { bench, archive, recipe, built } = await describeSample();
    await rm(archive);
    const from = ['--from', `recipe:${recipe}`];
    const output = join(bench.folder, 'out.tar.xz');
    await bench.runOk(['build', ...from, '-o', output]);
    expect((await readFile(output)).equals(built)).toBe(true);
    expect((await bench.runOk(['stream', ...from])).stdout.equals(built)).toBe(true);
    expect((await bench.runOk(['plan', ...from])).stdout.toString()).toMatch(/encode +nothing/);
    expect((await bench.runOk(['describe', ...from])).stdout).toEqual(await readFile(recipe));
    const mountPoint = await bench.mountPoint();
    await bench.runOk(['mount', ...from, mountPoint]);
    expect((await readFile(join(mountPoint, 'images.tar.xz'))).equals(built)).toBe(true);
    const shown = `recipe:${join(mountPoint, '.bundlefs/recipe.json')}`;
    expect((await bench.runOk(['stream', '--from', shown])).stdout.equals(built)).toBe(true);
  });

  it('is good for another preset: layers are decoded from the blocks that there are, and encoded anew', async () => {
    const { bench, archive, recipe } = await describeSample();
    const wanted = (
      await bench.runOk(['stream', '--from', archive, '--preset', '1', '--cache', `${bench.folder}/b`])
    ).stdout;
    await rm(archive);
    const { stdout } = await bench.runOk(['stream', '--from', `recipe:${recipe}`, '--preset', '1']);
    expect(stdout.equals(wanted)).toBe(true);
  });

  it('is good for another cache as long as the source that it names is there, and ends with status 6 after that', async () => {
    const { bench, archive, recipe, built } = await describeSample();
    const from = ['--from', `recipe:${recipe}`, '--cache', join(bench.folder, 'other')];
    expect((await bench.runOk(['stream', ...from])).stdout.equals(built)).toBe(true);
    await rm(archive);
    expect((await bench.runOk(['stream', ...from])).stdout.equals(built)).toBe(true);
    const lost = await bench.run(['stream', ...from.slice(0, 2), '--cache', join(bench.folder, 'third')]);
    expect(lost.status).toBe(6);
    expect(lost.stderr).toContain('not in the cache');
    expect(lost.stderr).toContain('Missing: sha256:');
  });
});
