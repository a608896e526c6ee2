/** What `bundlefs build` does. */
import type { Cache } from '../blocks/cache.ts';
import { keepDigest } from '../bundle/keep-digest.ts';
import type { PreparedBundle } from '../bundle/prepare-bundle.ts';
import { findDigestOfHex, hexOf } from '../digest.ts';
import { isBundleError } from '../errors.ts';
import { writeBundleFile, type WrittenFile } from '../outputs/write-bundle-file.ts';
import { type BuildSummary, summarizeBuild } from './build-summary.ts';
import type { Selection } from '../selection/resolve-selection.ts';
import { openChosenCache, prepareChosenBundle } from './chosen-bundle.ts';
import { type ChosenArchive, prepareArchive } from './chosen-archive.ts';
import type { ImageOptions } from './image-options.ts';
import { checkOutput } from './check-output.ts';
import { chooseFormat, type FormatOptions } from './format-options.ts';
import { inputPlaces } from './source-files.ts';
import { describeImages } from './describe-images.ts';
import { describeWritten } from './describe-written.ts';
import { printJson, printLines } from '../print.ts';
import { startProgress } from './progress.ts';

export interface BuildOptions extends ImageOptions, FormatOptions {
  readonly output: string;
  readonly json?: boolean;
}

/** Makes the bundle, writes it to `options.output` and prints what it is. */
export async function runBuild(
  selection: Selection,
  options: BuildOptions,
  signal: AbortSignal,
): Promise<void> {
  const startMs = performance.now();
  const format = chooseFormat(options, options.output);
  await checkOutput(options.output, await inputPlaces(selection, options.from));
  const cache = await openChosenCache(options);
  await using bundle = await prepareChosenBundle(selection, options, cache, signal, 'build');
  const archive = await prepareArchive(selection, bundle, cache, format, { signal });
  const written = await writeWithProgress(bundle, archive, options.output, cache, signal);
  const seconds = (performance.now() - startMs) / 1000;
  const { text, fields } = await summarizeBuild(cache, bundle, seconds, archive.frames);
  if (options.json === true) printJson(toJson(bundle, written, seconds, fields));
  else printLines([`${describeWritten(written)}${text}`]);
}

/** Writes the bundle to `path`, with progress on a terminal, and keeps its digest where it is the recipe's. */
export async function writeWithProgress(
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

/** The bundle is in its place. Where its digest cannot be kept, it is computed again another time. */
async function keepQuietly(cache: Cache, { recipe }: PreparedBundle, written: WrittenFile): Promise<void> {
  try {
    await keepDigest(cache, recipe, written);
  } catch (error) {
    if (!isBundleError(error)) throw error;
  }
}

function toJson(
  bundle: PreparedBundle,
  written: WrittenFile,
  seconds: number,
  fields: BuildSummary['fields'],
): object {
  const { statistics } = bundle;
  return {
    images: describeImages(bundle.images),
    bundle: {
      path: written.path,
      size: written.size,
      sha256: hexOf(written.digest),
      isNew: written.isNew,
    },
    blocks: {
      total: statistics.blockCount,
      reused: statistics.reusedBlockCount,
      encoded: statistics.encodedBlockCount,
    },
    bytes: {
      uncompressed: statistics.uncompressedSize,
      reused: statistics.reusedSize,
      encoded: statistics.encodedSize,
      written: written.isNew ? written.size : 0,
    },
    seconds: Math.round(seconds * 1000) / 1000,
    ...fields,
  };
}
