/** The source for an archive of images in a file: at random access where its form allows it, in one forward pass otherwise. */
import { spawn } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { BundleError } from '../../ground/errors.ts';
import { openDiskFile } from '../../file/disk-file.ts';
import { openXzFile } from './open-xz-file.ts';
import { readFully } from '../../file/read-chunks.ts';
import type { VirtualFile } from '../../file/virtual-file.ts';
import type { Image } from '../../image/image.ts';
import type { PlatformWish } from '../../image/platform.ts';
import type { Reference } from '../../image/reference.ts';
import { type Compression, findCompression, magicSize } from './decompress.ts';
import { explainingDamage } from './explain-damage.ts';
import type { ImageSource, LayerSink, ReadImagesOptions } from '../../image/image-source.ts';
import { readListedImages } from './layouts/read-listed-images.ts';
import { surveyListedImages } from './layouts/survey-listed-images.ts';
import { readDockerArchiveStream } from './stream-source.ts';
import { indexTar } from './tar-table.ts';

/**
 * The archive at `path`: a docker archive or an OCI archive, plain or compressed with gzip, zstd or xz. It is opened
 * anew for each reading. Layers that the sink has are not read, unless the archive is compressed as a whole: then all
 * of it is read. Reading throws archive-not-found, archive-*, config-*, layer-*, image-not-found, source-failed.
 */
export function createArchiveSource(path: string, wish: PlatformWish): ImageSource {
  const label = `archive "${path}"`;
  return {
    description: label,
    async readImages(references, sink, options = {}) {
      const request: ArchiveRequest = { label, wish, references, sink, options };
      if (await isPipe(path)) return readPipe(path, request);
      const file = await openDiskFile(path);
      try {
        return await readFile(file, request);
      } finally {
        await file.close();
      }
    },
    async surveyImages(references, _known, options = {}) {
      if (await isPipe(path)) return undefined;
      const file = await openDiskFile(path);
      try {
        const tar = await findTar(file, await readCompression(file));
        if (tar === undefined) return undefined;
        const table = await indexTar(tar, { label, signal: options.signal });
        return await surveyListedImages(table, references, wish, options.leaveOut);
      } finally {
        await file.close();
      }
    },
    close: () => Promise.resolve(),
  };
}

interface ArchiveRequest {
  readonly label: string;
  readonly wish: PlatformWish;
  readonly references: readonly Reference[];
  readonly sink: LayerSink;
  readonly options: ReadImagesOptions;
}

async function readFile(file: VirtualFile, request: ArchiveRequest): Promise<readonly Image[]> {
  const { label, wish, references, sink, options } = request;
  const tar = await findTar(file, await readCompression(file));
  if (tar === undefined) {
    const stream = file.stream(options.signal === undefined ? {} : { signal: options.signal });
    return readDockerArchiveStream(stream, references, sink, { ...options, label, wish, total: file.size });
  }
  const table = await indexTar(tar, { label, signal: options.signal });
  return readListedImages(table, references, sink, { ...options, wish });
}

/** The tar at random access, or undefined where it must be decompressed from its start. */
async function findTar(file: VirtualFile, compression: Compression): Promise<VirtualFile | undefined> {
  if (compression === 'none') return file;
  if (compression !== 'xz') return undefined;
  return explainingDamage(file, async () => (await openXzFile(file)).content);
}

async function readCompression(file: VirtualFile): Promise<Compression> {
  const start = Buffer.alloc(Math.min(magicSize, file.size));
  await readFully(file, start, 0);
  return findCompression(start);
}

/** Whether `path` is a named pipe or a shell's `<(command)`, which has no size and can be read once only. */
async function isPipe(path: string): Promise<boolean> {
  const info = await stat(path).catch(() => undefined); // what is wrong with it, opening it says
  return info?.isFIFO() ?? false;
}

async function readPipe(path: string, request: ArchiveRequest): Promise<readonly Image[]> {
  const { label, wish, references, sink, options } = request;
  // A process of its own: a thread of this one that waits for a writer could not be stopped, and would hold up its end.
  const reader = spawn('cat', ['--', path], { stdio: ['ignore', 'pipe', 'ignore'] });
  const release = (): void => {
    reader.kill('SIGKILL');
  };
  try {
    return await readDockerArchiveStream(reader.stdout, references, sink, {
      ...options,
      label,
      wish,
      release,
    });
  } catch (error) {
    if (error instanceof BundleError || options.signal?.aborted === true) throw error;
    throw new BundleError('source-failed', `Cannot read ${label}: it broke off`, { cause: error });
  }
}
