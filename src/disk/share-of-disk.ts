/** How much of a disk may be taken without standing in anybody's way. */
import { statfs } from 'node:fs/promises';

const share = 1 / 4;

/** `wanted` bytes, but no more than a quarter of what is free on the disk of `folder` or taken already, in `usedSize`. */
export async function shareOfDisk(folder: string, usedSize: number, wanted: number): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return Math.min(wanted, (usedSize + bavail * bsize) * share);
}
