/** Sockets in folders of ours: reached through the open folder, so that no link is followed and no path is too long (unix(7), sun_path). */
import { chmodSync, lstatSync } from 'node:fs';
import type { Server } from 'node:net';
import { basename, dirname } from 'node:path';
import { describeKind, ForeignThingError } from './foreign-thing.ts';
import { type OpenFolder, openOwnFolder } from './open-folder.ts';
import { removeOwnFile } from './own-files.ts';

/**
 * Listens at `path`, in the place of whatever a dead daemon left there; this user alone may connect. The folder must stay
 * open as long as the server: that removes the socket through it. Throws ForeignThingError, and what the system says.
 */
export async function listenAtOwnSocket(server: Server, path: string): Promise<OpenFolder> {
  await removeOwnFile(path);
  const folder = openOwnFolder(dirname(path));
  try {
    const place = folder.at(basename(path));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(place, () => {
        server.off('error', reject);
        resolve();
      });
    });
    chmodSync(place, 0o600);
    return folder;
  } catch (error) {
    server.close();
    folder[Symbol.dispose]();
    throw error;
  }
}

/** The folder of the socket at `path`, to connect through. Throws ForeignThingError where no socket is there, and what the system says. */
export function openSocketFolder(path: string): OpenFolder {
  const folder = openOwnFolder(dirname(path));
  try {
    const info = lstatSync(folder.at(basename(path)));
    if (!info.isSocket()) throw new ForeignThingError(path, `${describeKind(info)}, not a socket`);
    return folder;
  } catch (error) {
    folder[Symbol.dispose]();
    throw error;
  }
}
