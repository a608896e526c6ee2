/** Every form in which a file, a folder or a stream can offer images. */
import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import type { ImageSource } from '../../src/image/image-source.ts';
import { openSource } from '../../src/place/open-source.ts';
import { writeHybridArchive, type HybridArchiveOptions } from '../fixtures/write-hybrid-archive.ts';
import { writeLegacyArchive } from '../fixtures/write-legacy-archive.ts';
import { type OciLayoutOptions, writeOciArchive, writeOciLayout } from '../fixtures/write-oci-layout.ts';
import type { FixtureImage } from '../fixtures/sample-images.ts';

export interface Offer {
  readonly title: string;
  /** Whether layers that are known need not be read. */
  readonly isRandomAccess: boolean;
  /** Writes `images` into the empty folder `folder` and opens them. */
  readonly open: (images: readonly FixtureImage[], folder: string) => Promise<ImageSource>;
}

const run = promisify(execFile);

/** Opens what `write` writes to a file, after `command`, which gets the file's path as its last argument. */
function archive(
  title: string,
  isRandomAccess: boolean,
  write: (path: string, images: readonly FixtureImage[]) => Promise<void>,
  { command = [], suffix = '' }: { readonly command?: readonly string[]; readonly suffix?: string } = {},
): Offer {
  return {
    title,
    isRandomAccess,
    async open(images, folder) {
      const path = join(folder, 'images.tar');
      await write(path, images);
      const [program, ...args] = command;
      if (program !== undefined) await run(program, [...args, path]);
      return openSource(`${path}${suffix}`);
    },
  };
}

function stream(
  title: string,
  write: (path: string, images: readonly FixtureImage[]) => Promise<void>,
): Offer {
  return {
    title,
    isRandomAccess: false,
    async open(images, folder) {
      const path = join(folder, 'images.tar');
      await write(path, images);
      return openSource('-', { input: createReadStream(path) });
    },
  };
}

function ociFolder(title: string, options: OciLayoutOptions): Offer {
  return {
    title,
    isRandomAccess: true,
    async open(images, folder) {
      await writeOciLayout(folder, images, options);
      return openSource(`oci:${folder}`);
    },
  };
}

const hybrid =
  (options: HybridArchiveOptions = {}) =>
  (path: string, images: readonly FixtureImage[]): Promise<void> =>
    writeHybridArchive(path, images, options);
const oci =
  (options: OciLayoutOptions = {}) =>
  (path: string, images: readonly FixtureImage[]): Promise<void> =>
    writeOciArchive(path, images, options);
const legacy = (path: string, images: readonly FixtureImage[]): Promise<void> =>
  writeLegacyArchive(path, images);

export const offers: readonly Offer[] = [
  archive('legacy archive', true, legacy),
  archive('hybrid archive', true, hybrid()),
  archive('hybrid archive, manifest first', true, hybrid({ manifestFirst: true })),
  archive('hybrid archive of gzip layers', true, hybrid({ gzipLayers: true })),
  archive('legacy archive in gzip', false, legacy, { command: ['gzip', '-1'], suffix: '.gz' }),
  archive('hybrid archive in zstd', false, hybrid(), { command: ['zstd', '-q'], suffix: '.zst' }),
  archive('hybrid archive in xz of many blocks', true, hybrid(), {
    command: ['xz', '-0', '-T2', '--block-size=200000'],
    suffix: '.xz',
  }),
  archive('legacy archive in xz without check', false, legacy, {
    command: ['xz', '-0', '--check=none'],
    suffix: '.xz',
  }),
  archive('OCI archive of gzip layers', true, oci()),
  archive('OCI archive of zstd layers', true, oci({ compression: 'zstd' })),
  archive('OCI archive with nested indexes', true, oci({ nested: true })),
  stream('legacy archive on standard input', legacy),
  stream('hybrid archive of gzip layers on standard input', hybrid({ gzipLayers: true })),
  stream('hybrid archive on standard input, manifest first', hybrid({ manifestFirst: true })),
  stream('OCI archive of zstd layers on standard input', oci({ compression: 'zstd', nested: true })),
  ociFolder('OCI folder of gzip layers', {}),
  ociFolder('OCI folder of plain layers', { compression: 'none' }),
  ociFolder('OCI folder with nested indexes', { nested: true, compression: 'zstd' }),
];

/** `bytes` as standard input gives them: in chunks of odd sizes. */
export function asInput(bytes: AsyncIterable<Uint8Array>): Readable {
  return Readable.from(bytes, { objectMode: false });
}
