/** Whether the files that `--from` names can be a source, as far as that shows without reading them. */
import type { Place } from './place.ts';
import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { BundleError, describeError, findErrno } from '../ground/errors.ts';
import { refuseDocument } from './archive/refuse-document.ts';

/**
 * Checks `place`, as openSource does: verbs call it that have something else to check before they open the source.
 * Throws archive-not-found, archive-empty, archive-unsupported, source-failed.
 */
export async function checkPlace(place: Place): Promise<void> {
  if (place.kind === 'oci-folder') await checkOciFolder(place.path);
  else if (place.kind === 'recipe') await checkRecipe(place.path);
  else if (place.kind === 'archive') await checkArchive(place.path);
}

/** What is in it, and whether it may be read, shows when it is read: once, for it may be a pipe. */
async function checkRecipe(path: string): Promise<void> {
  const info = await getInfo(path);
  if (!info.isDirectory()) return;
  throw new BundleError(
    'archive-unsupported',
    `Cannot read recipe "${path}": it is a folder, a file was expected`,
    {
      hint: 'Name the file that bundlefs describe wrote.',
    },
  );
}

async function checkArchive(path: string): Promise<void> {
  const info = await getInfo(path);
  if (info.isDirectory()) {
    throw new BundleError(
      'archive-unsupported',
      `Cannot read "${path}": it is a folder, an archive was expected`,
      {
        hint: (await isOciFolder(path))
          ? `It holds an OCI layout: use oci:${path}`
          : 'Name an archive that docker save wrote, or oci:FOLDER for a folder with an OCI layout.',
      },
    );
  }
  if (info.isFile() && info.size === 0) {
    throw new BundleError('archive-empty', `Cannot read "${path}": the file is empty`, {
      hint: 'What should have written it did not. Save the images again.',
    });
  }
  if (info.isFIFO()) return; // opening it would take what is in it
  refuseDocument(path);
  if (!info.isFile()) {
    throw new BundleError(
      'archive-unsupported',
      `Cannot read "${path}": it is a device or a socket, a file or a pipe was expected`,
    );
  }
  await checkReadable(path);
}

async function checkOciFolder(folder: string): Promise<void> {
  const info = await getInfo(folder);
  if (!info.isDirectory()) {
    throw new BundleError('archive-unsupported', `Cannot read "${folder}": it is not a folder`, {
      hint: `For an archive, leave out oci: and use ${folder}`,
    });
  }
  await checkReadable(folder);
  if (await isOciFolder(folder)) return;
  throw new BundleError(
    'archive-unsupported',
    `Cannot read "${folder}": there is no index.json in it, so it is not an OCI layout`,
  );
}

async function isOciFolder(folder: string): Promise<boolean> {
  const found = await Promise.all(['index.json', 'oci-layout'].map((name) => hasFile(join(folder, name))));
  return found.includes(true);
}

async function hasFile(path: string): Promise<boolean> {
  return stat(path).then(
    (info) => info.isFile(),
    () => false,
  );
}

async function getInfo(path: string): Promise<Awaited<ReturnType<typeof stat>>> {
  return stat(path).catch((error: unknown) => {
    throw toArchiveError(path, error);
  });
}

async function checkReadable(path: string): Promise<void> {
  const handle = await open(path).catch((error: unknown) => {
    throw toArchiveError(path, error);
  });
  await handle.close();
}

function toArchiveError(path: string, error: unknown): BundleError {
  const errno = findErrno(error) ?? '';
  if (['ENOENT', 'ENOTDIR'].includes(errno)) {
    return new BundleError('archive-not-found', `Cannot read "${path}": there is no such file or folder`, {
      cause: error,
      hint: 'Images of an engine are named as arguments; --from names the place they come from.',
    });
  }
  const reason = ['EACCES', 'EPERM'].includes(errno) ? 'permission denied' : describeError(error);
  return new BundleError('source-failed', `Cannot read "${path}": ${reason}`, { cause: error });
}
