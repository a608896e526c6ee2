import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { renderMetrics, writeMetrics } from '../../../src/mount/control/metrics.ts';
import type { MountStatus } from '../../../src/mount/control/status.ts';
import { parseMetrics } from '../../support/parse-metrics.ts';
import { makeTempFolder } from '../../support/temp-folder.ts';

const mountPoint = '/mnt/a "quoted" \\ one\nwith a line end';
const status: MountStatus = {
  format: 'bundlefs-status-1',
  version: '1.2.3',
  mountPoint,
  state: 'serving',
  pid: 1,
  since: '2026-01-02T03:04:05.500Z',
  isWatching: true,
  generation: {
    number: 7,
    recipe: 'r',
    published: '2026-01-02T03:04:06.000Z',
    size: 480_000_000,
    sha256: '',
    images: [{ names: ['a:1'], id: 'x', layers: [] }],
  },
  openHandleCount: 2,
  olderGenerations: [],
  refresh: { state: 'running' },
  lastRefresh: {
    result: 'failed',
    reason: '',
    started: '',
    seconds: 12.5,
    generation: 7,
    encodedSize: 0,
    reusedSize: 0,
    changes: { added: [], removed: [], changed: [] },
  },
  lastSuccess: '2026-01-02T03:04:07.250Z',
  totals: { refreshCount: 9, failureCount: 1, encodedSize: 100, reusedSize: 2000 },
  engine: { state: 'away', since: '' },
  watchedFiles: [],
  residentSize: 70_000_000,
};

it('renderMetrics writes the text format, each metric with its help and type, once', () => {
  const samples = parseMetrics(renderMetrics(status));
  for (const { labels } of samples) expect(labels['mount']).toBe(mountPoint);
  const values = Object.fromEntries(samples.map(({ name, value }) => [name, value]));
  expect(values).toMatchObject({
    bundlefs_up: 1,
    bundlefs_generation: 7,
    bundlefs_bundle_bytes: 480_000_000,
    bundlefs_images: 1,
    bundlefs_open_handles: 2,
    bundlefs_refresh_running: 1,
    bundlefs_last_refresh_success_timestamp_seconds: Date.parse(status.lastSuccess) / 1000,
    bundlefs_last_refresh_duration_seconds: 12.5,
    bundlefs_last_refresh_failed: 1,
    bundlefs_refreshes_total: 9,
    bundlefs_refresh_failures_total: 1,
    bundlefs_encoded_bytes_total: 100,
    bundlefs_reused_bytes_total: 2000,
    bundlefs_engine_connected: 0,
    bundlefs_build_info: 1,
  });
  expect(samples.find(({ name }) => name === 'bundlefs_build_info')?.labels['version']).toBe('1.2.3');
});

it('writeMetrics puts a readable file in place at once, leaves nothing else, and says what is in the way', async () => {
  const folder = await makeTempFolder();
  const path = join(folder, 'bundlefs.prom');
  await writeMetrics(path, 'one\n');
  await writeMetrics(path, 'two\n');
  expect(await readFile(path, 'utf8')).toBe('two\n');
  expect(await readdir(folder)).toEqual(['bundlefs.prom']);
  await mkdir(join(folder, 'taken'));
  await expect(writeMetrics(join(folder, 'taken'), 'x')).rejects.toMatchObject({ code: 'output-failed' });
  expect((await readdir(folder)).sort()).toEqual(['bundlefs.prom', 'taken']);
});
