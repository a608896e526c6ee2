/** `bundlefs build`: a bundle as a plain file. */
import type { Command } from 'commander';
import type { PreparedBundle } from '../../bundle/prepare-bundle.ts';
import { hexOf } from '../../digest.ts';
import type { WrittenFile } from '../../outputs/write-bundle-file.ts';
import { formatCount, formatDuration, formatSize } from '../format-text.ts';
import {
  addImageOptions,
  type ImageOptions,
  openChosenCache,
  prepareChosenBundle,
} from '../image-options.ts';
import { startProgress } from '../progress.ts';
import { describeImages } from '../describe-images.ts';

interface BuildOptions extends ImageOptions {
  readonly output: string;
  readonly json?: boolean;
}

export function addBuildCommand(program: Command, signal: AbortSignal): void {
  addImageOptions(
    program
      .command('build')
      .description('write the bundle of these images to a file')
      .argument(
        '[images...]',
        'image names; may be left out for an archive or OCI layout: then all its images',
      )
      .requiredOption(
        '-o, --output <file>',
        'the file to write; one that is there is replaced when the new one is whole',
      ),
  )
    .option('--json', 'print one JSON object on standard output')
    .addHelpText(
      'after',
      '\nExamples:\n  bundlefs build shop/web:1 shop/api:1 -o images.tar.xz\n  docker save shop/web:1 | bundlefs build --from - -o images.tar.xz',
    )
    .action((images: string[], options: BuildOptions) => build(images, options, signal));
}

async function build(names: readonly string[], options: BuildOptions, signal: AbortSignal): Promise<void> {
  const startMs = performance.now();
  const { checkTarget, writeBundleFile } = await import('../../outputs/write-bundle-file.ts');
  const { keepDigest } = await import('../../bundle/keep-digest.ts');
  await checkTarget(options.output);
  const cache = await openChosenCache(options);
  await using bundle = await prepareChosenBundle(names, options, cache, signal);
  const written = await writeWithProgress(writeBundleFile, bundle, options.output, signal);
  await keepDigest(cache, bundle.recipe, written);
  const seconds = (performance.now() - startMs) / 1000;
  process.stdout.write(
    options.json === true ? toJson(bundle, written, seconds) : toText(bundle, written, seconds),
  );
}

async function writeWithProgress(
  write: typeof import('../../outputs/write-bundle-file.ts').writeBundleFile,
  bundle: PreparedBundle,
  path: string,
  signal: AbortSignal,
): Promise<WrittenFile> {
  using progress = startProgress({ label: 'writing' });
  return write(bundle.xz, path, {
    signal,
    onProgress: (done, total) => {
      progress.show(done, total);
    },
  });
}

function toJson(bundle: PreparedBundle, written: WrittenFile, seconds: number): string {
  const { statistics } = bundle;
  const report = {
    images: describeImages(bundle.images),
    bundle: { path: written.path, size: written.size, sha256: hexOf(written.digest) },
    blocks: {
      total: statistics.blockCount,
      reused: statistics.reusedBlockCount,
      encoded: statistics.encodedBlockCount,
    },
    bytes: {
      uncompressed: statistics.uncompressedSize,
      reused: statistics.reusedSize,
      encoded: statistics.encodedSize,
      written: written.size,
    },
    seconds: Math.round(seconds * 1000) / 1000,
  };
  return `${JSON.stringify(report)}\n`;
}

function toText({ images, statistics }: PreparedBundle, written: WrittenFile, seconds: number): string {
  const made = `${formatSize(statistics.encodedSize)} newly encoded, ${formatSize(statistics.reusedSize)} reused`;
  return `${written.path}: ${formatCount(images.length, 'image')}, ${formatSize(written.size)} (${made}) in ${formatDuration(seconds)}\n`;
}
