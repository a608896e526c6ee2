/** Which mounts there are, by /proc/self/mountinfo (proc(5)): reading it touches none of them. */
import { readFile } from 'node:fs/promises';

export interface MountEntry {
  /** Unique while the mount is there; used again afterwards. */
  readonly mountId: number;
  /** `major:minor`, unique to the file system while it lives. */
  readonly device: string;
  /** Absolute, without symbolic links. */
  readonly mountPoint: string;
  /** `ext4`, `fuse.bundlefs`, … */
  readonly type: string;
  readonly source: string;
  /** Of the mount and of the file system: `ro`, `nosuid`, … */
  readonly options: readonly string[];
}

/** The file system type of every bundlefs mount. */
export const bundlefsType = 'fuse.bundlefs';

/** The mounts in the text of a mountinfo file, in its order: of two with the same mount point, the later is on top. */
export function parseMountinfo(text: string): readonly MountEntry[] {
  const entries: MountEntry[] = [];
  for (const line of text.split('\n')) {
    // 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
    const [left, right] = line.split(' - ', 2);
    const [mountId, , device, , mountPoint, options] = left?.split(' ') ?? [];
    const [type, source, fileSystemOptions] = right?.split(' ') ?? [];
    if (mountId === undefined || device === undefined || mountPoint === undefined || type === undefined)
      continue;
    entries.push({
      mountId: Number(mountId),
      device,
      mountPoint: unescapeOctal(mountPoint),
      type,
      source: unescapeOctal(source ?? ''),
      options: [options, fileSystemOptions].flatMap((list) => list?.split(',') ?? []),
    });
  }
  return entries;
}

/** The mounts that this process sees. */
export async function readMounts(): Promise<readonly MountEntry[]> {
  return parseMountinfo(await readFile('/proc/self/mountinfo', 'utf8'));
}

/** The topmost mount exactly at `path`, which is absolute and without symbolic links, or undefined. */
export async function findMount(path: string): Promise<MountEntry | undefined> {
  return (await readMounts()).findLast(({ mountPoint }) => mountPoint === path);
}

/** The topmost mount that `path`, absolute and without symbolic links, is in or at. */
export async function findCoveringMount(path: string): Promise<MountEntry | undefined> {
  let covering: MountEntry | undefined;
  for (const mount of await readMounts()) {
    const covers = mount.mountPoint === '/' || `${path}/`.startsWith(`${mount.mountPoint}/`);
    if (covers && mount.mountPoint.length >= (covering?.mountPoint.length ?? 0)) covering = mount;
  }
  return covering;
}

/** Spaces, tabs, newlines and backslashes are written as three octal digits. */
function unescapeOctal(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
}
