/** Whether a path can be followed without asking anybody but the kernel. */
import { lstat, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { appendAll } from '../ground/long-lists.ts';
import { readMounts } from './mountinfo.ts';

/** File systems that no other process or machine answers for. */
const localTypes = new Set(
  'bcachefs btrfs devtmpfs erofs exfat ext2 ext3 ext4 f2fs iso9660 jfs overlay proc ramfs rootfs squashfs sysfs tmpfs udf vfat xfs zfs'.split(
    ' ',
  ),
);

/** As many links as the kernel follows: path_resolution(7). */
const maxLinks = 40;

/**
 * Whether `path`, which is absolute, leads through local file systems only, or to nothing. A file system that is not
 * local may never answer; none is touched by looking here.
 */
export async function isLocalPath(path: string): Promise<boolean> {
  const types = new Map((await readMounts()).map(({ mountPoint, type }) => [mountPoint, type]));
  const isForeign = (folder: string): boolean => !localTypes.has(types.get(folder) ?? 'rootfs');
  const left = split(path).reverse(); // the next one last
  let at = '/';
  for (let linkCount = 0; linkCount <= maxLinks;) {
    if (isForeign(at)) return false;
    const name = left.pop();
    if (name === undefined) return true;
    const next = join(at, name); // takes `..` for what is above, as at has no links in it
    if (isForeign(next)) return false;
    const target = await readLink(next);
    if (target === undefined) {
      at = next;
      continue;
    }
    linkCount += 1;
    appendAll(left, split(target).reverse());
    if (target.startsWith('/')) at = '/';
  }
  return true; // to follow it fails at once
}

function split(path: string): string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.');
}

/** Where the link at `path` leads; undefined for what is none, or is not there. */
async function readLink(path: string): Promise<string | undefined> {
  try {
    return (await lstat(path)).isSymbolicLink() ? await readlink(path) : undefined;
  } catch {
    return undefined;
  }
}
