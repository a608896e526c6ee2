/** What `bundlefs list` does. */
import { isBundleError } from '../../../ground/errors.ts';
import { askStatus } from '../../../mount/control/ask-mount.ts';
import { findMounts, type FoundMount } from '../../../mount/control/find-mounts.ts';
import type { MountStatus } from '../../../mount/control/status.ts';
import { formatSize, formatTable } from '../../../ground/format-text.ts';
import { printJson, printLines } from '../../../ground/print.ts';

export interface RunListOptions {
  readonly isJson: boolean;
  readonly signal: AbortSignal;
}

/** `dead`: it should be there and its daemon is gone. `unknown`: it is there and cannot be asked. */
type MountState = MountStatus['state'] | 'dead' | 'unknown';

interface ListedMount {
  readonly mountPoint: string;
  readonly state: MountState;
  readonly pid?: number;
  readonly status?: MountStatus;
}

/** Prints the mounts of this user. */
export async function runList({ isJson, signal }: RunListOptions): Promise<void> {
  const mounts = await findMounts(process.env);
  const listed = await Promise.all(mounts.map((mount) => lookAt(mount, signal)));
  signal.throwIfAborted();
  if (isJson) printJson(listed);
  else printLines(listed.length === 0 ? ['No bundle is mounted by this user.'] : formatList(listed));
}

async function lookAt(mount: FoundMount, signal: AbortSignal): Promise<ListedMount> {
  const { mountPoint, record, isMounted } = mount;
  const pid = record === undefined ? {} : { pid: record.pid };
  if (record?.socketPath !== undefined) {
    try {
      const status = await askStatus(record.socketPath, { signal });
      return { mountPoint, state: status.state, pid: status.pid, status };
    } catch (error) {
      if (!isBundleError(error, 'not-mounted')) return { mountPoint, state: 'unknown', ...pid };
      return { mountPoint, state: 'dead', ...pid };
    }
  }
  return { mountPoint, state: isMounted ? 'unknown' : 'dead', ...pid };
}

function formatList(mounts: readonly ListedMount[]): string[] {
  const rows = mounts.map(({ mountPoint, state, pid, status }) => [
    mountPoint,
    state,
    status === undefined ? '' : describeFreshness(status),
    String(status?.generation.number ?? ''),
    String(status?.generation.images.length ?? ''),
    status === undefined ? '' : formatSize(status.generation.size),
    String(pid ?? ''),
  ]);
  return formatTable(['mount', 'state', 'refresh', '>generation', '>images', '>size', '>process'], rows);
}

function describeFreshness({ refresh, lastRefresh, isWatching }: MountStatus): string {
  if (refresh.state !== 'idle') return refresh.state;
  if (lastRefresh?.result === 'failed') return 'failed';
  return isWatching ? 'watching' : 'when asked';
}
