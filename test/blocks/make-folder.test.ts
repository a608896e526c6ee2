/** Who may write to the folders of a cache. */
import { chmod, mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished, expect, test } from 'vitest';
import { makeFolder } from '../../src/blocks/make-folder.ts';
import { makeTempFolder } from '../support/temp-folder.ts';

async function makeBelow(parentMode: number, umask: number): Promise<number[]> {
  const parent = join(await makeTempFolder(), 'cache');
  await mkdir(parent);
  await chmod(parent, parentMode);
  const before = process.umask(umask);
  onTestFinished(() => void process.umask(before));
  await makeFolder(join(parent, 'a/b'));
  const folders = await Promise.all(['a', 'a/b'].map((name) => stat(join(parent, name))));
  return folders.map(({ mode }) => mode & 0o7777);
}

test.each([0o002, 0o022, 0o077])(
  'below a folder that a group shares, folders are shared with umask %o',
  async (umask) => {
    expect(await makeBelow(0o2775, umask)).toEqual([0o2775, 0o2775]);
    expect(await makeBelow(0o2770, umask)).toEqual([0o2770, 0o2770]);
  },
);

test('elsewhere the umask says who may write', async () => {
  expect(await makeBelow(0o775, 0o022)).toEqual([0o755, 0o755]);
});

test('a folder that is there keeps its mode', async () => {
  const parent = join(await makeTempFolder(), 'cache');
  await mkdir(join(parent, 'a'), { recursive: true });
  await chmod(parent, 0o2775);
  await makeFolder(join(parent, 'a'));
  expect((await stat(join(parent, 'a'))).mode & 0o7777).toBe(0o755);
});
