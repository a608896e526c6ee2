/** A folder that this user alone can look into: for logs, records, sockets and what this user knows of caches. */
import { fchmodSync } from 'node:fs';
import { ForeignThingError } from './foreign-thing.ts';
import { makeOwnFolder } from '../make-folder.ts';
import { openOwnFolder } from './open-folder.ts';

/** Makes it where it is missing, and takes it from others where they could look. Throws ForeignThingError where it is somebody else's. */
export async function makePrivateFolder(path: string): Promise<void> {
  await makeOwnFolder(path, 0o700);
  using folder = openOwnFolder(path);
  const { uid, mode } = folder.info;
  if (uid !== process.getuid?.()) throw new ForeignThingError(path, 'belongs to another user');
  if ((mode & 0o077) !== 0) fchmodSync(folder.fd, 0o700);
}
