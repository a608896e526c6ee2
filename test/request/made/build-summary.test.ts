import { describe, expect, it } from 'vitest';
import type { BuildEntry } from '../../../src/cache/build-journal.ts';
import { openCache } from '../../../src/cache/cache.ts';
import { recordBuild } from '../../../src/bundle/record-build.ts';
import { findEncodeRate, summarizeBuild } from '../../../src/request/made/build-summary.ts';
import { buildSampleImages } from '../../fixtures/sample-images.ts';
import { createMemorySource } from '../../support/memory-source.ts';
import { makeTempFolder } from '../../support/temp-folder.ts';

function makeEntry(profile: string, encodedUncompressedSize: number, encodeSeconds: number): BuildEntry {
  const time = new Date(0).toISOString();
  const none = { blockCount: 0, encodedBlockCount: 0, reusedBlockCount: 0, encodedSize: 0, reusedSize: 0 };
  return {
    format: 'bundlefs-build-1',
    startedAt: time,
    endedAt: time,
    verb: 'build',
    source: 'a test',
    version: '1.2.3',
    profile,
    images: [],
    statistics: { ...none, uncompressedSize: 0, reusedUncompressedSize: 0, encodedUncompressedSize },
    encodedBlocks: [],
    costs: { seconds: encodeSeconds, readSeconds: 0, encodeSeconds, cpuSeconds: 0, readSize: 0 },
  };
}

describe('findEncodeRate', () => {
  it('is that of all builds with this profile that encoded enough to tell', () => {
    const past = [
      makeEntry('mine', 30_000_000, 10),
      makeEntry('mine', 10_000_000, 10),
      makeEntry('mine', 500, 10),
      makeEntry('other', 90_000_000, 1),
    ];
    expect(findEncodeRate(past, 'mine')).toBe(2_000_000);
    expect(findEncodeRate(past, 'none')).toBeUndefined();
  });
});

describe('summarizeBuild', () => {
  it('says what all of it would have cost where there are figures of the past, and nothing where there are none', async () => {
    const cache = await openCache(await makeTempFolder());
    const source = createMemorySource(await buildSampleImages());
    const options = {
      source,
      references: [],
      cache,
      profile: { preset: 0, extreme: false, check: 'crc64' } as const,
    };
    await (await recordBuild(options, { verb: 'build', version: '1' }))[Symbol.asyncDispose]();
    await using bundle = await recordBuild(options, { verb: 'build', version: '1' });
    const without = await summarizeBuild(cache, { ...bundle, entry: { ...bundle.entry, profile: 'new' } }, 2);
    expect(without.text).toMatch(/^3 images, .* \(0 B newly encoded, .* reused\) in 2\.0 s$/);
    expect(without.fields).toEqual({});
    await cache.putBuild(
      makeEntry(bundle.entry.profile, 1e9, 1e9 / (bundle.statistics.uncompressedSize / 100)),
    );
    const { text, fields } = await summarizeBuild(cache, bundle, 2);
    expect(text).toMatch(/ in 2\.0 s; in full about \d/);
    expect(fields.fullSeconds).toBeGreaterThanOrEqual(2);
  });

  it('says of a .tar.zst how much of it is new, as zstd and as xz', async () => {
    const cache = await openCache(await makeTempFolder());
    const source = createMemorySource(await buildSampleImages());
    const profile = { preset: 0, extreme: false, check: 'crc64' } as const;
    await using bundle = await recordBuild(
      { source, references: [], cache, profile },
      { verb: 'build', version: '1' },
    );
    const frames = {
      ...{ size: 3_000_000, frameCount: 9, encodedFrameCount: 2 },
      ...{ encodedSize: 1_000_000, reusedSize: 2_000_000 },
    };
    const { text, fields } = await summarizeBuild(cache, bundle, 2, frames);
    expect(text).toMatch(
      /^3 images, 3\.0 MB as zstd \(1\.0 MB newly encoded, 2\.0 MB reused\), made of xz blocks: .* newly encoded, 0 B reused; in 2\.0 s$/,
    );
    expect(fields).toEqual({ frames: { total: 9, reused: 7, encoded: 2 } });
  });
});
