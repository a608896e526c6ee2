import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { BuildEntry } from '../../src/cache/build-journal.ts';
import { openCache } from '../../src/cache/cache.ts';
import { makeTempFolder } from '../support/temp-folder.ts';

function makeEntry(index: number): BuildEntry {
  const time = new Date(Date.UTC(2026, 0, 1) + index * 1000).toISOString();
  return {
    format: 'bundlefs-build-1',
    startedAt: time,
    endedAt: time,
    verb: 'build',
    source: `archive "${index}.tar"`,
    version: '1.2.3',
    profile: 'xz6-crc64-5.4.1-files-1',
    images: [],
    error: { code: 'source-failed', message: 'Cannot read' },
    encodedBlocks: [],
    costs: { seconds: 1, readSeconds: 0.5, encodeSeconds: 0.25, cpuSeconds: 2, readSize: 10 },
  };
}

describe('the journal of builds', () => {
  it('lists what was put, newest first, as many as are wanted', async () => {
    const cache = await openCache(await makeTempFolder());
    expect(await cache.listBuilds()).toEqual([]);
    for (const index of [2, 0, 1]) await cache.putBuild(makeEntry(index));
    const listed = await cache.listBuilds();
    expect(listed.map(({ source }) => source)).toEqual(
      ['2.tar', '1.tar', '0.tar'].map((name) => `archive "${name}"`),
    );
    expect(listed[0]).toMatchObject(makeEntry(2));
    expect(await cache.listBuilds({ limit: 2 })).toEqual(listed.slice(0, 2));
  });

  it('passes over entries that are damaged, foreign or of another format', async () => {
    const folder = await makeTempFolder();
    const cache = await openCache(folder);
    for (const index of [0, 1]) await cache.putBuild(makeEntry(index));
    const builds = join(folder, 'v1/builds');
    const [oldest = ''] = (await readdir(builds)).sort();
    const text = await readFile(join(builds, oldest), 'utf8');
    await writeFile(join(builds, oldest), text.replace('0.tar', '7.tar'));
    await writeFile(join(builds, '20300101T000000.000Z-aa.json'), 'not even a digest');
    await writeFile(join(builds, 'notes.txt'), 'mine');
    await mkdir(join(builds, '20300101T000000.000Z-bb.json'));
    expect((await cache.listBuilds()).map(({ source }) => source)).toEqual(['archive "1.tar"']);
  });

  it('keeps the newest 500', { timeout: 120_000 }, async () => {
    const folder = await makeTempFolder();
    const cache = await openCache(folder);
    for (let index = 0; index < 503; index += 1) await cache.putBuild(makeEntry(index));
    const names = await readdir(join(folder, 'v1/builds'));
    expect(names).toHaveLength(500);
    expect(names.sort()[0]).toContain('20260101T000003');
  });
});
