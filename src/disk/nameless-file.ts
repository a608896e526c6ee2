/** Files that no name leads to: they are gone with the process that has them open, however that ends. */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { findErrno } from '../ground/errors.ts';
import { openOwnFolder } from './own/open-folder.ts';

/** __O_TMPFILE of asm-generic/fcntl.h, which Node has no name for: a file that is in no folder (open(2)). */
const nameless = 0o20000000 | constants.O_DIRECTORY;

/** What file systems without O_TMPFILE, and kernels that do not know it, answer. */
const noNameless = ['ENOTSUP', 'EOPNOTSUPP', 'EISDIR', 'EINVAL', 'ENOENT'];

/**
 * Opens a new file in the file system of `path`, a folder of ours, for reading and writing. Where that cannot do without, the file has a
 * name in it for a moment, which sweepPartials takes for what it is. Throws what open(2) says, and ForeignThingError.
 */
export async function openNamelessFile(path: string): Promise<FileHandle> {
  using folder = openOwnFolder(path);
  return await folder.run(async () => {
    try {
      return await open(folder.at('.'), nameless | constants.O_RDWR, 0o600);
    } catch (error) {
      if (!noNameless.includes(findErrno(error) ?? '')) throw error;
    }
    const place = folder.at(`.spill.${randomBytes(8).toString('hex')}.partial`);
    const handle = await open(place, 'wx+', 0o600);
    await rm(place, { force: true });
    return handle;
  });
}
