import { chmod, mkdir, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stampFiles } from '../../src/addon/stamp-files.ts';
import { makeTempFolder } from '../support/temp-folder.ts';

describe('stampFiles', () => {
  it('has a stamp for each file of the size, and none for others', async () => {
    const folder = await makeTempFolder();
    const at = (name: string): string => join(folder, name);
    await writeFile(at('four'), 'four');
    await writeFile(at('empty'), '');
    await symlink('four', at('link'));
    const paths = [at('four'), at('none'), at('empty'), at('four'), at('link'), at('four/none')];
    const stamps = stampFiles(paths, [4, 4, 0, 5, 4, 4]);
    expect(stamps.map((stamp) => stamp !== undefined)).toEqual([true, false, true, false, false, false]);
    expect(stamps[2]).not.toBe(stamps[0]);
    expect(stampFiles([], [])).toEqual([]);
  });

  it('changes with content, times and mode, to the nanosecond', async () => {
    const folder = await makeTempFolder();
    const path = join(folder, 'file');
    const seen = new Set<string | undefined>();
    const changes = [
      () => writeFile(path, 'aaaa'),
      () => writeFile(path, 'bbbb'),
      () => utimes(path, 1, 1),
      () => utimes(path, 1, 1.000001),
      () => chmod(path, 0o600),
    ];
    for (const change of changes) {
      await change();
      seen.add(stampFiles([path], [4])[0]);
    }
    expect(seen.size).toBe(changes.length);
    expect(seen.has(undefined)).toBe(false);
  });

  it('knows files above 4 GiB', async () => {
    const path = join(await makeTempFolder(), 'large');
    await writeFile(path, '');
    await truncate(path, 5 * 2 ** 30);
    expect(stampFiles([path, path], [5 * 2 ** 30, 2 ** 30])).toEqual([expect.any(String), undefined]);
  });

  it('knows regular files only, and follows no link', async () => {
    const folder = await makeTempFolder();
    await mkdir(join(folder, 'in'));
    await writeFile(join(folder, 'in/file'), '');
    await symlink('in', join(folder, 'link'));
    expect(stampFiles([join(folder, 'in'), join(folder, 'in/file')], [0, 0])).toEqual([
      undefined,
      expect.any(String),
    ]);
    for (const name of ['file', 'none']) {
      expect(() => stampFiles([join(folder, 'in/file'), join(folder, 'link', name)], [0, 0])).toThrow(
        expect.objectContaining({ code: 'ELOOP' }) as Error,
      );
    }
  });
});
