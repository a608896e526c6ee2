import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  removeStalePartials,
  sweepPartials,
  startDurableFile,
  writeDurably,
} from '../../src/disk/write-durably.ts';
import { makeTempFolder } from '../support/temp-folder.ts';

describe('writeDurably', () => {
  it('replaces a file in one step and leaves nothing else', async () => {
    const folder = await makeTempFolder();
    await writeFile(join(folder, 'file'), 'old');
    await writeDurably(join(folder, 'file'), Buffer.from('new'));
    expect(await readdir(folder)).toEqual(['file']);
    expect(await readFile(join(folder, 'file'), 'utf8')).toBe('new');
  });

  it('lets many writers write one file at once: one of them wins whole', async () => {
    const folder = await makeTempFolder();
    const contents = Array.from({ length: 20 }, (_, index) => Buffer.alloc(10_000, index));
    await Promise.all(contents.map((content) => writeDurably(join(folder, 'file'), content)));
    const written = await readFile(join(folder, 'file'));
    expect(contents.some((content) => content.equals(written))).toBe(true);
    expect(await readdir(folder)).toEqual(['file']);
  });
});

describe('startDurableFile', () => {
  it('shows nothing before it is committed, and removes itself where it is not', async () => {
    const folder = await makeTempFolder();
    {
      await using file = await startDurableFile(join(folder, 'file'));
      await file.handle.writeFile('half');
      expect(await readdir(folder)).not.toContain('file');
    }
    expect(await readdir(folder)).toEqual([]);
  });

  it('refuses to commit a file of another size than was meant', async () => {
    const folder = await makeTempFolder();
    await using file = await startDurableFile(join(folder, 'file'));
    await file.handle.writeFile('half');
    await expect(file.commit(8)).rejects.toThrow('4 bytes instead of 8');
    expect(await readdir(folder)).not.toContain('file');
  });
});

describe('removeStalePartials', () => {
  it('leaves a file alone that a process is writing, and removes it when that process was killed', async () => {
    const folder = await makeTempFolder();
    const script = `
      import { startDurableFile } from ${JSON.stringify(new URL('../../src/disk/write-durably.ts', import.meta.url).href)};
      const file = await startDurableFile(${JSON.stringify(join(folder, 'file'))});
      await file.handle.writeFile('half');
      process.stdout.write('written');
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    await sweepPartials(folder);
    expect(await readdir(folder)).toHaveLength(1);
    child.kill('SIGKILL');
    await once(child, 'exit');
    await removeStalePartials(folder, 'other');
    expect(await readdir(folder)).toHaveLength(1);
    await removeStalePartials(folder, 'file');
    expect(await readdir(folder)).toEqual([]);
  });
});
