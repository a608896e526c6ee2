/** Opens the source that `--from` names. */
import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { BundleError, describeError, findErrno } from '../errors.ts';
import { createArchiveSource } from './docker-archive/archive-source.ts';
import { createStreamSource, type StandardInput } from './docker-archive/stream-source.ts';
import type { ImageSource } from './image-source.ts';
import { createOciFolderSource } from './oci-layout/oci-folder-source.ts';
import { wishPlatform } from './platform-wish.ts';
import { refuseDocument } from './refuse-document.ts';
import { createRecipeSource, type FindStoredLayer } from './recipe/recipe-source.ts';

export interface OpenSourceOptions {
  readonly signal?: AbortSignal;
  /** `linux/arm64`: what images must be for. Where left out, it is the host's that is taken of images for several. */
  readonly platform?: string;
  /** What `-` reads; process.stdin where left out. */
  readonly input?: StandardInput;
  /** Where recipes look for layers, besides the sink. */
  readonly findStoredLayer?: FindStoredLayer;
}

/**
 * The source that `from` names: nothing or `docker` for the engine that the docker command would use, `docker:HOST` for
 * another one, `docker://…` for a registry or an image of one, `-` for standard input, `oci:FOLDER` for an OCI layout,
 * `recipe:FILE` for what describe wrote, or the path of an archive. Throws
 * invalid-argument, archive-not-found, archive-empty, archive-unsupported, source-unreachable, source-failed.
 */
export async function openSource(
  from: string | undefined,
  options: OpenSourceOptions = {},
): Promise<ImageSource> {
  const { signal, platform, input = process.stdin, findStoredLayer } = options;
  const wish = wishPlatform(platform);
  if (from?.startsWith('docker://') === true) {
    const { openRegistrySource } = await import('./registry/registry-source.ts');
    return openRegistrySource(from, wish);
  }
  if (from === undefined || from === 'docker' || from.startsWith('docker:')) {
    const host = from?.slice('docker:'.length) ?? '';
    // Other sources do without the engine's client.
    const { openEngineSource } = await import('./engine/engine-source.ts');
    return openEngineSource({ wish, ...(host !== '' && { host }), ...(signal && { signal }) });
  }
  if (from === '-') return createStreamSource(input, wish);
  if (from.startsWith('oci:')) {
    const folder = from.slice('oci:'.length);
    await checkOciFolder(folder);
    return createOciFolderSource(folder, wish);
  }
  if (from.startsWith('recipe:')) {
    return createRecipeSource(from.slice('recipe:'.length), {
      wish,
      openOrigin: (origin) => openOrigin(origin, options),
      ...(findStoredLayer && { findStoredLayer }),
    });
  }
  await checkArchive(from);
  return createArchiveSource(from, wish);
}

/** What a recipe names is read for what the cache lacks. Throws archive-unsupported for what nobody's describe has written. */
async function openOrigin(origin: string, options: OpenSourceOptions): Promise<ImageSource> {
  if (origin === '-' || origin.startsWith('recipe:')) {
    throw new BundleError('archive-unsupported', `Cannot read the source of a recipe: it is "${origin}"`);
  }
  return openSource(origin, options);
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
