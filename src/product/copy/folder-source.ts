/** What a mount shows at this moment, or what was copied from one, as something to copy. */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { type Digest, digestOf, findDigestOfHex } from '../../ground/digest.ts';
import { BundleError, describeError, findErrno } from '../../ground/errors.ts';
import { checkShape } from '../../ground/explain-shape.ts';
import { readChunks } from '../../file/read-chunks.ts';
import { readSmallFile } from '../../disk/read-small-file.ts';
import { bundleDescriptionSchema, type BundleDescription } from '../../bundle/description.ts';
import { descriptionName, isStickName, sumsName } from '../../bundle/file-names.ts';
import { type CopyFile, type CopySource } from './copy-source.ts';

/** A mount that publishes again and again while it is being opened would be a strange one. */
const mostTries = 5;

/**
 * Opens all files of the bundle in `folder`. In a mount they are of one generation, and stay so, whatever is published
 * meanwhile. Throws archive-not-found, archive-corrupt and source-failed.
 */
export async function openFolderSource(folder: string): Promise<CopySource> {
  for (let tries = 1; ; tries += 1) {
    const text = await readSmall(folder, sumsName);
    const handles: FileHandle[] = [];
    const close = async (): Promise<void> => {
      await Promise.all(handles.map((handle) => handle.close()));
    };
    try {
      const files = await openListed(folder, text, handles);
      const description = await readDescription(folder);
      // An open file keeps its generation, and one is published in one step: the same sums before and after are of all files.
      if ((await readSmall(folder, sumsName)) === text)
        return { description, files, [Symbol.asyncDispose]: close };
    } catch (error) {
      await close();
      if (tries === mostTries) throw error;
      if ((await readSmall(folder, sumsName)) === text) throw error;
      continue;
    }
    await close();
    if (tries === mostTries) {
      throw new BundleError('source-failed', `Cannot copy "${folder}": it changes all the time`);
    }
  }
}

async function openListed(folder: string, text: string, handles: FileHandle[]): Promise<CopyFile[]> {
  const sums = parseSums(text);
  if (sums?.has(descriptionName) !== true) {
    throw new BundleError(
      'archive-corrupt',
      `Cannot copy "${folder}": its SHA256SUMS is not that of a bundle`,
    );
  }
  const files: CopyFile[] = [];
  for (const [name, digest] of [...sums, [sumsName, digestOf(Buffer.from(text))] as const]) {
    if (!isStickName(name)) {
      throw new BundleError(
        'archive-corrupt',
        `Cannot copy "${folder}": its SHA256SUMS lists "${name}", which is no file of a bundle`,
      );
    }
    files.push(await openOne(folder, name, digest, handles));
  }
  return files;
}

async function openOne(
  folder: string,
  name: string,
  digest: Digest,
  handles: FileHandle[],
): Promise<CopyFile> {
  const path = join(folder, name);
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) => {
    throw sourceError(path, error);
  });
  handles.push(handle);
  const info = await handle.stat();
  const content: CopyFile['content'] = {
    size: info.size,
    read: async (target, position) => {
      try {
        return (await handle.read(target, 0, target.length, position)).bytesRead;
      } catch (error) {
        throw sourceError(path, error);
      }
    },
    stream: (options) => readChunks(content, options),
  };
  return { name, mode: info.mode & 0o777, mtimeMs: info.mtimeMs, digest, content };
}

async function readDescription(folder: string): Promise<BundleDescription> {
  const path = join(folder, descriptionName);
  try {
    const shaped = checkShape(JSON.parse(await readSmall(folder, descriptionName)), bundleDescriptionSchema);
    if (shaped.isRight) return shaped.data;
    throw undescribed(path, shaped.fault, shaped.cause);
  } catch (error) {
    if (error instanceof BundleError) throw error;
    throw undescribed(path, 'it is not JSON', error);
  }
}

function undescribed(path: string, fault: string, cause: unknown): BundleError {
  return new BundleError(
    'archive-corrupt',
    `Cannot read "${path}": it does not describe a bundle: ${fault}`,
    {
      cause,
      hint: 'It was damaged or changed. Copy the whole folder again from its source.',
    },
  );
}

async function readSmall(folder: string, name: string): Promise<string> {
  const path = join(folder, name);
  const bytes = await readSmallFile(path).catch((error: unknown) => {
    throw sourceError(path, error);
  });
  return bytes.toString('utf8');
}

function sourceError(path: string, error: unknown): BundleError {
  const isMissing = ['ENOENT', 'ENOTDIR'].includes(findErrno(error) ?? '');
  const found = isMissing ? 'there is no such file' : describeError(error);
  return new BundleError(
    isMissing ? 'archive-not-found' : 'source-failed',
    `Cannot read "${path}": ${found}`,
    {
      cause: error,
      hint: isMissing ? 'Name a folder that bundlefs has mounted, or that was copied from one.' : undefined,
    },
  );
}

/** The digests in `text` by name, or undefined where it is not a list of sums of plain files beside it. */
export function parseSums(text: string): ReadonlyMap<string, Digest> | undefined {
  const sums = new Map<string, Digest>();
  for (const line of text.split(/\r?\n/)) {
    if (line === '') continue;
    const [, hex = '', name = ''] = /^([0-9a-f]{64}) [ *]([A-Za-z0-9][A-Za-z0-9._-]*)$/.exec(line) ?? [];
    const digest = findDigestOfHex(hex);
    if (digest === undefined || sums.has(name)) return undefined;
    sums.set(name, digest);
  }
  return sums;
}
