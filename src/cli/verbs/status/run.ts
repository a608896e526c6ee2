/** What `bundlefs status` does. */
import { hintLines } from '../../../ground/errors.ts';
import { askStatus } from '../../../mount/control/ask-mount.ts';
import { getMount } from '../../../mount/control/find-mounts.ts';
import type { MountStatus, RefreshProgress } from '../../../mount/control/status.ts';
import { askDaemon } from '../../../mount/control/ask-daemon.ts';
import { formatAgo, formatCount, formatSize } from '../../../ground/format-text.ts';
import { printJson, printLines } from '../../../ground/print.ts';
import { describeRefresh } from '../../output/describe-refresh.ts';

export interface RunStatusOptions {
  readonly isJson: boolean;
  readonly signal: AbortSignal;
}

/** Prints how the mount at `path` is. Throws not-mounted where its daemon is gone. */
export async function runStatus(
  path: string | undefined,
  { isJson, signal }: RunStatusOptions,
): Promise<void> {
  const mount = await getMount(path, process.env, signal);
  const status = await askDaemon(mount, (socketPath) => askStatus(socketPath, { signal }));
  if (isJson) printJson(status);
  else printLines(formatStatus(status, Date.now()));
}

function formatStatus(status: MountStatus, nowMs: number): string[] {
  const { generation, lastRefresh, engine, watchedFiles, logPath } = status;
  const rows: (readonly [string, string] | undefined)[] = [
    [
      'mounted',
      `${formatAgo(status.since, nowMs)}${status.state === 'draining' ? '; now it is ending' : ''}`,
    ],
    ['generation', `${generation.number}, published ${formatAgo(generation.published, nowMs)}`],
    ['bundle', `${formatCount(generation.images.length, 'image')}, ${formatSize(generation.size)}`],
    ['recipe', generation.recipe],
    ['images', generation.images.map(({ names, id }) => names[0] ?? id.slice(0, 19)).join(', ')],
    ['refresh', formatState(status)],
    lastRefresh && [
      'last refresh',
      `${formatAgo(lastRefresh.started, nowMs)}, ${describeRefresh(lastRefresh)} (${lastRefresh.reason})`,
    ],
    lastRefresh?.error && ['error', lastRefresh.error.message],
    ...(lastRefresh?.error === undefined ? [] : (hintLines(lastRefresh.error) ?? [])).map(
      (line) => ['', line] as const,
    ),
    lastRefresh?.error && ['up to date', formatAgo(status.lastSuccess, nowMs)],
    engine && ['engine', formatEngine(engine, nowMs)],
    watchedFiles.length === 0 ? undefined : ['files', watchedFiles.join(', ')],
    ['open files', formatHandles(status)],
    [
      'daemon',
      `process ${status.pid}, ${formatSize(status.residentSize)} of memory, bundlefs ${status.version}`,
    ],
    logPath === undefined ? undefined : ['log', logPath],
  ];
  const lines = rows
    .filter((row) => row !== undefined)
    .map(([name, text]) => `  ${name.padEnd(12)}  ${text}`);
  return [status.mountPoint, ...lines];
}

function formatState({ refresh, isWatching }: MountStatus): string {
  switch (refresh.state) {
    case 'idle':
      return isWatching ? 'none runs; watching for changes' : 'none runs; only when asked: bundlefs refresh';
    case 'waiting':
      return `soon (${refresh.reason ?? ''})`;
    case 'running':
      return `running (${refresh.reason ?? ''})${refresh.progress ? `, ${formatProgress(refresh.progress)}` : ''}`;
  }
}

function formatProgress({ readSize, totalSize, encodedSize, reusedSize }: RefreshProgress): string {
  const share =
    totalSize === undefined || totalSize === 0 ? '' : `${Math.floor((100 * readSize) / totalSize)} %, `;
  return `${share}encoded ${formatSize(encodedSize)}, reused ${formatSize(reusedSize)}`;
}

function formatEngine(engine: NonNullable<MountStatus['engine']>, nowMs: number): string {
  switch (engine.state) {
    case 'connecting':
      return 'connecting';
    case 'connected':
      return `${engine.description ?? ''}, connected ${formatAgo(engine.since, nowMs)}`;
    case 'away':
      return `away since ${formatAgo(engine.since, nowMs)}, tried again and again: ${engine.reason ?? ''}`;
  }
}

function formatHandles({ openHandleCount, olderGenerations }: MountStatus): string {
  const older = olderGenerations.map(
    ({ number, openHandleCount: count }) => `${count} of generation ${number}`,
  );
  return older.length === 0 ? String(openHandleCount) : `${openHandleCount} (${older.join(', ')})`;
}
