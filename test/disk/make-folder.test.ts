/** Who may write to the folders of a cache. */
import { chmod, mkdir, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { makeNamedFolder, makeOwnFolder } from '../../src/disk/make-folder.ts';
import { makeTempFolder } from '../support/temp-folder.ts';

type Make = (path: string) => Promise<unknown>;
const makers: readonly [string, Make][] = [
  ['makeNamedFolder', makeNamedFolder],
  ['makeOwnFolder', makeOwnFolder],
];

async function makeBelow(make: Make, parentMode: number, umask: number): Promise<number[]> {
  const parent = join(await makeTempFolder(), 'cache');
  await mkdir(parent);
  await chmod(parent, parentMode);
  const before = process.umask(umask);
  onTestFinished(() => void process.umask(before));
  await make(join(parent, 'a/b'));
  const folders = await Promise.all(['a', 'a/b'].map((name) => stat(join(parent, name))));
  return folders.map(({ mode }) => mode & 0o7777);
}

describe.each(makers)('%s', (_name, make) => {
  it.each([0o002, 0o022, 0o077])(
    'shares folders below one that a group shares, with umask %o',
    async (umask) => {
      expect(await makeBelow(make, 0o2775, umask)).toEqual([0o2775, 0o2775]);
      expect(await makeBelow(make, 0o2770, umask)).toEqual([0o2770, 0o2770]);
    },
  );

  it('lets the umask say elsewhere who may write', async () => {
    expect(await makeBelow(make, 0o775, 0o022)).toEqual([0o755, 0o755]);
  });

  it('leaves a folder that is there its mode', async () => {
    const parent = join(await makeTempFolder(), 'cache');
    await mkdir(join(parent, 'a'), { recursive: true });
    await chmod(parent, 0o2775);
    await make(join(parent, 'a'));
    expect((await stat(join(parent, 'a'))).mode & 0o7777).toBe(0o755);
  });

  // Where mkdir says ENOENT although the folder above is there, trying again is for ever.
  it('gives up in a folder that takes none', async () => {
    await expect(make('/proc/bundlefs/a/b')).rejects.toThrow(/ENOENT/);
  });

  it('gives up at a link to what does not exist, or is no folder', async () => {
    const folder = await makeTempFolder();
    const link = join(folder, 'link');
    await symlink(join(folder, 'not mounted'), link);
    await symlink('/dev/null', join(folder, 'file'));
    for (const path of [link, join(link, 'a'), join(link, 'a/b'), join(folder, 'file/a/b')]) {
      await expect(make(path)).rejects.toThrow(/link|ENOTDIR|foreign/i);
    }
  });
});

describe('makeNamedFolder', () => {
  it('names the link that leads nowhere', async () => {
    const folder = await makeTempFolder();
    const [link, target] = [join(folder, 'link'), join(folder, 'not mounted')];
    await symlink(target, link);
    const message = `"${link}" is a link to "${target}", which does not exist`;
    for (const path of [link, join(link, 'a/b')]) {
      await expect(makeNamedFolder(path)).rejects.toThrow(message);
    }
  });

  it('says whether it made the folder', async () => {
    const path = join(await makeTempFolder(), 'a/b');
    expect(await makeNamedFolder(path)).toBe(true);
    expect(await makeNamedFolder(path)).toBe(false);
  });
});
