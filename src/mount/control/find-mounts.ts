/** The mounts of this user, by their records and by what the kernel says; no mount is looked into. */
import { resolve } from 'node:path';
import { BundleError } from '../../ground/errors.ts';
import { bundlefsType, readMounts } from '../../disk/mountinfo.ts';
import { probePath } from '../../disk/probe-path.ts';
import { listRecords, type MountRecord } from './mount-record.ts';

export interface FoundMount {
  readonly mountPoint: string;
  /** Absent where another version, or another state folder, has made it. */
  readonly record?: MountRecord;
  /** Whether the kernel has it. */
  readonly isMounted: boolean;
}

/** Everything that is or should be mounted, by mount point. */
export async function findMounts(environment: NodeJS.ProcessEnv): Promise<readonly FoundMount[]> {
  const records = await listRecords(environment);
  const uid = `user_id=${process.getuid?.() ?? 0}`;
  const mounted = new Set(
    (await readMounts())
      .filter(({ type, options }) => type === bundlefsType && options.includes(uid))
      .map(({ mountPoint }) => mountPoint),
  );
  const byPath = new Map<string, FoundMount>();
  for (const mountPoint of mounted) byPath.set(mountPoint, { mountPoint, isMounted: true });
  for (const record of records) {
    const { mountPoint } = record;
    byPath.set(mountPoint, { mountPoint, record, isMounted: mounted.has(mountPoint) });
  }
  return [...byPath.values()].sort((a, b) => (a.mountPoint < b.mountPoint ? -1 : 1));
}

/**
 * The mount at `path`, or the only one that is on record where `path` is left out, and of several the only that is there. Throws not-mounted, and
 * invalid-argument where there are several.
 */
export async function getMount(
  path: string | undefined,
  environment: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<FoundMount> {
  const mounts = await findMounts(environment);
  if (path === undefined) {
    const recorded = mounts.filter(({ record }) => record !== undefined);
    const living = recorded.filter(({ isMounted }) => isMounted);
    const onRecord = living.length > 0 ? living : recorded;
    const [only] = onRecord;
    if (only !== undefined && onRecord.length === 1) return only;
    if (only === undefined) throw new BundleError('not-mounted', 'Cannot find a mount: this user has none');
    throw new BundleError('invalid-argument', `Cannot choose a mount: this user has ${onRecord.length}`, {
      hint: `Name one: ${onRecord.map(({ mountPoint }) => mountPoint).join(', ')}`,
    });
  }
  const absolutePath = resolve(path);
  const found = mounts.find(({ mountPoint }) => mountPoint === absolutePath);
  if (found !== undefined) return found;
  const probe = await probePath(absolutePath, { signal });
  const realPath = probe.kind === 'hung' ? undefined : probe.realPath;
  const linked = mounts.find(({ mountPoint }) => mountPoint === realPath);
  if (linked !== undefined) return linked;
  throw new BundleError('not-mounted', `Cannot find a mount at "${path}": this user has none there`, {
    hint: 'See which there are: bundlefs list',
  });
}

/** The control socket of `mount`. Throws not-mounted where its daemon is gone, and mount-failed where it has none. */
export function getSocketPath({ mountPoint, record, isMounted }: FoundMount): string {
  if (record?.socketPath !== undefined) return record.socketPath;
  if (isMounted) {
    throw new BundleError(
      'mount-failed',
      `Cannot ask the mount at "${mountPoint}": it has no control socket`,
      {
        hint: 'Its log may say why it has none: bundlefs log',
      },
    );
  }
  throw new BundleError('not-mounted', `Cannot ask the mount at "${mountPoint}": its daemon is gone`, {
    hint: `Mount it again, or forget it: bundlefs unmount "${mountPoint}"`,
  });
}
