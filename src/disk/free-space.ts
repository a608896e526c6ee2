/** How much room a disk has. */
import { statfs } from 'node:fs/promises';

/** Bytes that this user may still write to the disk of the folder `path`. Throws what statfs(2) says. */
export async function findFreeSpace(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
}
