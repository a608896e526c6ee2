/** What `bundlefs refresh` does. */
import { BundleError, hintLines } from '../../../ground/errors.ts';
import { askRefresh } from '../../../mount/control/ask-mount.ts';
import { getMount } from '../../../mount/control/find-mounts.ts';
import type { RefreshRecord } from '../../../mount/control/status.ts';
import { isErrorCode } from '../../../mount/fuse/errno-of.ts';
import { askDaemon } from '../../../mount/control/ask-daemon.ts';
import { describeRefresh } from '../../output/describe-refresh.ts';
import { formatSize } from '../../../ground/format-text.ts';
import { printJson, printLines } from '../../../ground/print.ts';
import { startProgress } from '../../../request/made/progress.ts';

export interface RunRefreshOptions {
  readonly isJson: boolean;
  readonly signal: AbortSignal;
}

/**
 * Has the mount at `path` look at its images, waits, and prints what is different. Throws the error that the daemon met;
 * the mount then shows what it showed before.
 */
export async function runRefresh(
  path: string | undefined,
  { isJson, signal }: RunRefreshOptions,
): Promise<void> {
  const mount = await getMount(path, process.env, signal);
  const record = await askDaemon(mount, async (socketPath) => {
    using progress = startProgress({ label: 'reading' });
    return await askRefresh(socketPath, {
      signal,
      onProgress: ({ readSize, totalSize, encodedSize, reusedSize }) => {
        const note = `encoded ${formatSize(encodedSize)}, reused ${formatSize(reusedSize)}`;
        progress.show(readSize, totalSize, note);
      },
    });
  });
  if (isJson) printJson({ mountPoint: mount.mountPoint, ...record });
  if (record.error !== undefined) throw toError(record.error);
  if (!isJson) printLines(formatRefresh(mount.mountPoint, record));
}

function formatRefresh(mountPoint: string, record: RefreshRecord): string[] {
  const { added, changed, removed } = record.changes;
  return [
    `${mountPoint}: ${describeRefresh(record)}`,
    ...added.map((name) => `  added    ${name}`),
    ...changed.map((name) => `  changed  ${name}`),
    ...removed.map((name) => `  removed  ${name}`),
  ];
}

function toError(error: NonNullable<RefreshRecord['error']>): BundleError {
  const { code, message } = error;
  return new BundleError(isErrorCode(code) ? code : 'mount-failed', message, {
    hint: [...(hintLines(error) ?? []), 'The mount shows what it showed before.'],
  });
}
