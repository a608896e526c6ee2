/** The file of a bundle, in the format that the options of a verb ask for. */
import { isBundleError } from '../../ground/errors.ts';
import { writeBundleFile, type WrittenFile } from '../../place/file/write-bundle-file.ts';
import { findDigestOfHex } from '../../ground/digest.ts';
import type { PreparedBundle, PrepareProgress } from '../../bundle/prepare-bundle.ts';
import { keepDigest } from '../../bundle/keep-digest.ts';
import type { Cache } from '../../cache/cache.ts';
import type { Bundle } from '../../bundle/open-bundle.ts';
import type { VirtualFile } from '../../file/virtual-file.ts';
import type { Selection } from '../resolve-selection.ts';
import type { FrameStatistics } from '../../bundle/measure-bundle.ts';
import { prepareZst } from '../../bundle/zst/prepare-zst.ts';
import { collectByLimits } from './bundle.ts';
import type { ChosenFormat } from '../bundle-format.ts';
import { formatSize } from '../../ground/format-text.ts';
import { startProgress } from './progress.ts';

/** Belongs to the bundle, and is closed with it. */
export interface ChosenArchive {
  readonly file: VirtualFile;
  /** What that took; undefined for `.tar.xz`, whose blocks are the bundle's own. */
  readonly frames?: FrameStatistics;
}

export interface PrepareArchiveOptions {
  readonly signal: AbortSignal;
  /** Told besides the line on the terminal, of content that has become frames. */
  readonly onProgress?: (progress: PrepareProgress) => void;
  /** See PrepareChosenOptions. */
  readonly onCollected?: (text: string) => void;
}

/** Has frames made where they are wanted and missing, with progress on a terminal. Throws as prepareZst does. */
export async function prepareArchive(
  selection: Selection,
  bundle: Bundle,
  cache: Cache,
  { format, level }: ChosenFormat,
  { signal, onProgress, onCollected }: PrepareArchiveOptions,
): Promise<ChosenArchive> {
  if (format === 'xz') return { file: bundle.xz };
  using line = startProgress({ label: 'encoding zstd' });
  const { file, statistics } = await prepareZst(bundle, cache, {
    level,
    signal,
    onProgress: ({ doneSize, encodedSize, totalSize }) => {
      const reusedSize = doneSize - encodedSize;
      line.show(doneSize, totalSize, `encoded ${formatSize(encodedSize)}, reused ${formatSize(reusedSize)}`);
      onProgress?.({ readSize: doneSize, totalSize, encodedSize, reusedSize });
    },
  });
  await collectByLimits(cache, selection, statistics.encodedSize, onCollected);
  return { file, frames: statistics };
}

/** Writes the bundle to `path`, with progress on a terminal, and keeps its digest where it is the recipe's. */
export async function writeArchive(
  bundle: PreparedBundle,
  { file, frames }: ChosenArchive,
  path: string,
  cache: Cache,
  signal: AbortSignal,
): Promise<WrittenFile> {
  using progress = startProgress({ label: 'writing' });
  const sha256 = frames === undefined ? bundle.recipe.bundle?.sha256 : undefined;
  const written = await writeBundleFile(file, path, {
    signal,
    knownDigest: sha256 === undefined ? undefined : findDigestOfHex(sha256),
    onProgress: (done, total) => {
      progress.show(done, total);
    },
  });
  if (frames === undefined) await keepQuietly(cache, bundle, written);
  return written;
}

/** The bundle is in its place. If its digest cannot be kept, it is computed again another time. */
async function keepQuietly(cache: Cache, { recipe }: PreparedBundle, written: WrittenFile): Promise<void> {
  try {
    await keepDigest(cache, recipe, written);
  } catch (error) {
    if (!isBundleError(error)) throw error;
  }
}

/** How much of `frames` is new, for people. */
export function describeFrames({ size, encodedSize, reusedSize }: FrameStatistics): string {
  return `${formatSize(size)} as zstd (${formatSize(encodedSize)} newly encoded, ${formatSize(reusedSize)} reused)`;
}
