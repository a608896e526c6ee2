/** Whether a file can be written, before minutes of encoding. */
import { type BigIntStats, readdir, realpath, stat } from '../../disk/named-files.ts';
import { join, resolve, sep } from 'node:path';
import { BundleError } from '../../ground/errors.ts';
import { checkTarget } from '../../place/file/write-bundle-file.ts';

/**
 * Throws output-failed where nothing can be written to `output`, and where it is one of the files `read`, under
 * whatever name, or lies in one of the folders among them: what was not chosen of an archive would be gone with it. What
 * is no file, such as `@1` or the name of an image, may stand there, too.
 */
export async function checkOutput(output: string, read: readonly (string | undefined)[]): Promise<void> {
  if (output === '-') {
    throw new BundleError('output-failed', 'Cannot write "-": a file was expected, not standard output', {
      hint: 'To write a bundle to standard output, use: bundlefs stream. A file of that name is ./-',
    });
  }
  const target = await checkTarget(output);
  const there = await findInfo(target);
  for (const path of read) {
    const info = path === undefined ? undefined : await findInfo(path);
    if (path === undefined || info === undefined) continue;
    const isRead = info.isDirectory() ? await isWithin(target, there, path) : isSameFile(info, there);
    if (isRead) throw isReadToo(output, path, info);
  }
}

/** Links, other spellings and names that differ in case only are one file where the file system says so. */
function isSameFile(one: BigIntStats, other: BigIntStats | undefined): boolean {
  return one.dev === other?.dev && one.ino === other.ino;
}

/** Whether `target` lies in `folder`, or is another name of a file that does. */
async function isWithin(target: string, there: BigIntStats | undefined, folder: string): Promise<boolean> {
  const root = await realpath(folder);
  if (target.startsWith(root === sep ? root : root + sep)) return true;
  if (there === undefined) return false;
  for (const name of await readdir(root, { recursive: true }).catch(() => [])) {
    const info = await findInfo(join(root, name));
    if (info !== undefined && isSameFile(info, there)) return true;
  }
  return false;
}

async function findInfo(path: string): Promise<BigIntStats | undefined> {
  return stat(resolve(path), { bigint: true }).catch(() => undefined);
}

function isReadToo(output: string, path: string, info: BigIntStats): BundleError {
  const isSaid = resolve(path) === resolve(output);
  const why = info.isDirectory()
    ? `it lies in "${path}", and the images are read from there`
    : isSaid
      ? 'what is to be written is made from it'
      : `it is "${path}", and what is to be written is made from that`;
  return new BundleError('output-failed', `Cannot write "${output}": ${why}`, {
    hint: 'Name another file with -o.',
  });
}
