/** Puts a small file in the place of another at once; not durably: it is gone with the power, or the old one is back. */
import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { findErrno } from '../../ground/errors.ts';
import { ForeignThingError } from './foreign-thing.ts';
import { openOwnFolder } from './open-folder.ts';

/** Writes `text` for this user alone. Throws ForeignThingError, and what the system says. */
export async function replaceOwnFile(path: string, text: string): Promise<void> {
  using folder = openOwnFolder(dirname(path));
  await folder.run(async () => {
    const partial = folder.at(`${basename(path)}.${randomBytes(8).toString('hex')}.partial`);
    try {
      const handle = await open(partial, 'wx', 0o600);
      await handle.writeFile(text).finally(() => handle.close());
      await rename(partial, folder.at(basename(path)));
    } catch (error) {
      await rm(partial, { force: true });
      if (findErrno(error) === 'EISDIR') throw new ForeignThingError(path, 'is a folder, not a file');
      throw error;
    }
  });
}
