import { appendFile, mkdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { watchFiles } from '../../../src/mount/live/watch-files.ts';
import { waitUntil } from '../support/start-test-daemon.ts';
import { makeTempFolder } from '../../support/temp-folder.ts';

/** Watches, and tells which paths have changed since it was last asked. */
function watchInTest(
  paths: string[],
  pollMs?: number,
): { seen: (path: string) => Promise<void>; all: string[] } {
  const all: string[] = [];
  const watching = watchFiles(paths, { onChange: (path) => all.push(path), ...(pollMs && { pollMs }) });
  onTestFinished(() => {
    watching.close();
  });
  return {
    all,
    async seen(path) {
      await waitUntil(`a change of ${path} is seen`, () => all.includes(path));
      all.length = 0;
    },
  };
}

it('sees writing, an editor’s rename over the file, its removal and its return, and nothing of other files', async () => {
  const folder = await makeTempFolder();
  const file = join(folder, 'compose.yml');
  await writeFile(file, 'one');
  const { seen, all } = watchInTest([file], 50);
  // What it was at first is known as soon as a change of something else is.
  await waitUntil('it watches', async () => {
    await utimes(file, 1, Math.random() * 1e6);
    return all.length > 0;
  });
  all.length = 0;
  await appendFile(file, ' two');
  await seen(file);
  await writeFile(join(folder, '.compose.yml.swp'), 'new');
  await rename(join(folder, '.compose.yml.swp'), file);
  await seen(file);
  await rm(file);
  await seen(file);
  await writeFile(file, 'again');
  await seen(file);
  await writeFile(join(folder, 'other'), 'x');
  await appendFile(file, '.');
  await waitUntil('only the file is told of', () => all.length > 0);
  expect(new Set(all)).toEqual(new Set([file]));
});

it('sees a file whose folder comes later, and one behind a link, by looking from time to time', async () => {
  const folder = await makeTempFolder();
  const late = join(folder, 'late/list.txt');
  const target = join(folder, 'target');
  const link = join(folder, 'links/link');
  await mkdir(join(folder, 'links'));
  await writeFile(target, 'one');
  await symlink(target, link);
  const { seen, all } = watchInTest([late, link], 20);
  await waitUntil('it watches', async () => {
    await utimes(target, 1, Math.random() * 1e6);
    return all.length > 0;
  });
  all.length = 0;
  await mkdir(join(folder, 'late'));
  await writeFile(late, 'one');
  await seen(late);
  await appendFile(target, ' two');
  await seen(link);
});

it('watches other files after an update, and none after it was closed', async () => {
  const folder = await makeTempFolder();
  const [a, b] = [join(folder, 'a'), join(folder, 'b')];
  for (const path of [a, b]) await writeFile(path, 'one');
  const all: string[] = [];
  const watching = watchFiles([a], { onChange: (path) => all.push(path), pollMs: 20 });
  onTestFinished(() => {
    watching.close();
  });
  watching.update([b]);
  expect(watching.paths).toEqual([b]);
  await waitUntil('b is watched', async () => {
    await appendFile(b, '.');
    await appendFile(a, '.');
    return all.length > 0;
  });
  expect(new Set(all)).toEqual(new Set([b]));
  watching.close();
  expect(watching.paths).toEqual([]);
});
