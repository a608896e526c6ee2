/** The metrics of a mount, in the text format that a node exporter's textfile collector reads. */
import { access, constants, rename, rm, writeFile } from '../../disk/named-files.ts';
import { dirname } from 'node:path';
import { BundleError, describeError, findErrno } from '../../ground/errors.ts';
import type { MountStatus } from './status.ts';

interface Metric {
  readonly name: string;
  readonly type: 'gauge' | 'counter';
  readonly help: string;
  readonly value: (status: MountStatus) => number;
}

const seconds = (time: string): number => Date.parse(time) / 1000;

const metrics: readonly Metric[] = [
  {
    name: 'bundlefs_up',
    type: 'gauge',
    help: 'Whether the mount is served: 1, or 0 while it only drains.',
    value: ({ state }) => (state === 'serving' ? 1 : 0),
  },
  {
    name: 'bundlefs_start_timestamp_seconds',
    type: 'gauge',
    help: 'When the mount was made.',
    value: ({ since }) => seconds(since),
  },
  {
    name: 'bundlefs_generation',
    type: 'gauge',
    help: 'Number of the generation that is shown.',
    value: ({ generation }) => generation.number,
  },
  {
    name: 'bundlefs_generation_timestamp_seconds',
    type: 'gauge',
    help: 'When the generation that is shown was published.',
    value: ({ generation }) => seconds(generation.published),
  },
  {
    name: 'bundlefs_bundle_bytes',
    type: 'gauge',
    help: 'Size of the bundle that is shown.',
    value: ({ generation }) => generation.size,
  },
  {
    name: 'bundlefs_images',
    type: 'gauge',
    help: 'Images in the bundle that is shown.',
    value: ({ generation }) => generation.images.length,
  },
  {
    name: 'bundlefs_open_handles',
    type: 'gauge',
    help: 'Files that readers hold open.',
    value: ({ openHandleCount }) => openHandleCount,
  },
  {
    name: 'bundlefs_refresh_running',
    type: 'gauge',
    help: 'Whether a new generation is being made.',
    value: ({ refresh }) => (refresh.state === 'running' ? 1 : 0),
  },
  {
    name: 'bundlefs_last_refresh_success_timestamp_seconds',
    type: 'gauge',
    help: 'When the images were last looked at with success.',
    value: ({ lastSuccess }) => seconds(lastSuccess),
  },
  {
    name: 'bundlefs_last_refresh_duration_seconds',
    type: 'gauge',
    help: 'How long the last refresh took; 0 before the first.',
    value: ({ lastRefresh }) => lastRefresh?.seconds ?? 0,
  },
  {
    name: 'bundlefs_last_refresh_failed',
    type: 'gauge',
    help: 'Whether the last refresh failed, so that the bundle may be out of date.',
    value: ({ lastRefresh }) => (lastRefresh?.result === 'failed' ? 1 : 0),
  },
  {
    name: 'bundlefs_refreshes_total',
    type: 'counter',
    help: 'Refreshes since the mount was made, failed ones too.',
    value: ({ totals }) => totals.refreshCount,
  },
  {
    name: 'bundlefs_refresh_failures_total',
    type: 'counter',
    help: 'Refreshes that failed since the mount was made.',
    value: ({ totals }) => totals.failureCount,
  },
  {
    name: 'bundlefs_encoded_bytes_total',
    type: 'counter',
    help: 'Compressed bytes that refreshes had to encode.',
    value: ({ totals }) => totals.encodedSize,
  },
  {
    name: 'bundlefs_reused_bytes_total',
    type: 'counter',
    help: 'Compressed bytes that refreshes found in the cache.',
    value: ({ totals }) => totals.reusedSize,
  },
  {
    name: 'bundlefs_resident_bytes',
    type: 'gauge',
    help: 'Memory of the daemon.',
    value: ({ residentSize }) => residentSize,
  },
];

/** The text of all metrics of one mount. */
export function renderMetrics(status: MountStatus): string {
  const mount = `mount="${escapeLabel(status.mountPoint)}"`;
  const lines = metrics.flatMap(({ name, type, help, value }) => [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    `${name}{${mount}} ${value(status)}`,
  ]);
  if (status.engine !== undefined) {
    lines.push(
      '# HELP bundlefs_engine_connected Whether the engine that is watched can be reached.',
      '# TYPE bundlefs_engine_connected gauge',
      `bundlefs_engine_connected{${mount}} ${status.engine.state === 'connected' ? 1 : 0}`,
    );
  }
  lines.push(
    '# HELP bundlefs_build_info Which bundlefs serves the mount; always 1.',
    '# TYPE bundlefs_build_info gauge',
    `bundlefs_build_info{${mount},version="${escapeLabel(status.version)}"} 1`,
  );
  return `${lines.join('\n')}\n`;
}

/** Throws output-failed where the folder of `path` is missing or may not be written to. */
export async function checkMetricsFolder(path: string): Promise<void> {
  const folder = dirname(path);
  try {
    await access(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    const isMissing = findErrno(error) === 'ENOENT';
    throw new BundleError(
      'output-failed',
      `Cannot write the metrics "${path}": ${isMissing ? `there is no folder "${folder}"` : describeError(error)}`,
      { cause: error, hint: isMissing ? `Make it first: mkdir -p ${folder}` : undefined },
    );
  }
}

/** Puts `text` in the place of the file at once, so that no exporter reads half of it. Throws output-failed. */
export async function writeMetrics(path: string, text: string): Promise<void> {
  const partial = `${path}.${process.pid}.partial`;
  try {
    await writeFile(partial, text, { mode: 0o644 });
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true }).catch(() => undefined);
    throw new BundleError('output-failed', `Cannot write the metrics "${path}": ${describeError(error)}`, {
      cause: error,
    });
  }
}

/** Text format of Prometheus, "Comments, help text, and type information". */
function escapeLabel(value: string): string {
  return value.replace(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`));
}
