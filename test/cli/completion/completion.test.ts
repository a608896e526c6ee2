import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AskShell, shells, withShell } from './ask-shells.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp('/tmp/bfs-');
  await mkdir(join(folder, 'subfolder'));
  await writeFile(join(folder, 'some file.tar'), '');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.each(shells)('completion in %s', (shell) => {
  const within = (test: (ask: AskShell) => Promise<void>) => () => withShell(shell, folder, test);

  it(
    'offers verbs, verbs of verbs, and none that is hidden',
    within(async (ask) => {
      expect(await ask('bundlefs mo')).toEqual(['mount']);
      expect(await ask('bundlefs cache ')).toEqual(['gc', 'info', 'verify']);
      expect(await ask('bundlefs --debug un')).toEqual(['unmount']);
      expect(await ask('bundlefs trial')).toEqual([]);
    }),
  );
});
