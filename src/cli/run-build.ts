/** What `bundlefs build` does. */
import { keepDigest } from '../bundle/keep-digest.ts';
import type { PreparedBundle } from '../bundle/prepare-bundle.ts';
import { findDigestOfHex, hexOf } from '../digest.ts';
import { writeBundleFile, type WrittenFile } from '../outputs/write-bundle-file.ts';
import { type BuildSummary, summarizeBuild } from './build-summary.ts';
import type { Selection } from '../selection/resolve-selection.ts';
import { openChosenCache, prepareChosenBundle } from './chosen-bundle.ts';
import type { ImageOptions } from './image-options.ts';
import { checkOutput } from './check-output.ts';
import { inputPlaces } from './source-files.ts';
import { describeImages } from './describe-images.ts';
import { startProgress } from './progress.ts';

export interface BuildOptions extends ImageOptions {
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
  await checkOutput(options.output, await inputPlaces(selection, options.from));
  const cache = await openChosenCache(options);
  await using bundle = await prepareChosenBundle(selection, options, cache, signal, 'build');
  const written = await writeWithProgress(bundle, options.output, signal);
  await keepDigest(cache, bundle.recipe, written);
  const seconds = (performance.now() - startMs) / 1000;
  const { text, fields } = await summarizeBuild(cache, bundle, seconds);
  process.stdout.write(
    options.json === true
      ? toJson(bundle, written, seconds, fields)
      : `${written.path}: ${written.isNew ? '' : 'unchanged, '}${text}\n`,
  );
}

/** Writes the bundle to `path`, with progress on a terminal. */
export async function writeWithProgress(
  bundle: PreparedBundle,
  path: string,
  signal: AbortSignal,
): Promise<WrittenFile> {
  using progress = startProgress({ label: 'writing' });
  const { sha256 } = bundle.recipe.bundle ?? {};
  return await writeBundleFile(bundle.xz, path, {
    signal,
    knownDigest: sha256 === undefined ? undefined : findDigestOfHex(sha256),
    onProgress: (done, total) => {
      progress.show(done, total);
    },
  });
}

function toJson(
  bundle: PreparedBundle,
  written: WrittenFile,
  seconds: number,
  fields: BuildSummary['fields'],
): string {
  const { statistics } = bundle;
  const report = {
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
  return `${JSON.stringify(report)}\n`;
}
