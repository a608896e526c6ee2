/** What an inode says of itself beside its content, and what the headers of further names (hardlinks) make of it. */
import type { LayerMember } from '../tar/layer-member.ts';

/** As LayerMember has them. */
export type EntryMetadata = Pick<LayerMember, 'mode' | 'uid' | 'gid' | 'mtime' | 'exactMtime' | 'xattrs'>;

const capability = 'security.capability';

/** What a member that makes an inode says of it. */
export function metadataOf({ mode, uid, gid, mtime, exactMtime, xattrs }: EntryMetadata): EntryMetadata {
  return { mode, uid, gid, mtime, exactMtime, xattrs };
}

/**
 * What is left of `before` when an engine has unpacked `link`, another name for the same inode, which is of kind `kind`:
 * engines set owner, xattrs, mode and times of every name that they make, in this order. The kernel drops a file's
 * capabilities when it gets an owner, be it the same one; other xattrs stay. A symlink keeps its mode and, in docker and
 * podman, its time (moby pkg/archive, createTarFile; containerd sets the time).
 */
export function relink(
  before: EntryMetadata,
  link: EntryMetadata,
  kind: Exclude<LayerMember['kind'], 'hardlink'>,
): EntryMetadata {
  const added = [...link.xattrs].filter(([, value]) => value !== '');
  if (kind === 'symlink') {
    return { ...before, uid: link.uid, gid: link.gid, xattrs: new Map([...before.xattrs, ...added]) };
  }
  const kept = [...before.xattrs].filter(([name]) => name !== capability);
  return { ...metadataOf(link), xattrs: new Map([...kept, ...added]) };
}

/** Whether nothing of two tells them apart. */
export function isSameMetadata(a: EntryMetadata, b: EntryMetadata): boolean {
  return (
    a.mode === b.mode &&
    a.uid === b.uid &&
    a.gid === b.gid &&
    isSameTime(a, b) &&
    isSameXattrs(a.xattrs, b.xattrs)
  );
}

/** Whether two times are the same to the nanosecond. */
export function isSameTime(
  a: Pick<EntryMetadata, 'mtime' | 'exactMtime'>,
  b: Pick<EntryMetadata, 'mtime' | 'exactMtime'>,
): boolean {
  return a.mtime === b.mtime && a.exactMtime === b.exactMtime;
}

/** Whether two have the same xattrs, in whichever order. */
export function isSameXattrs(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a].every(([key, value]) => b.get(key) === value);
}
