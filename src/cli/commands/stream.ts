/** `bundlefs stream`: the bundle on standard output. */
import type { Command } from 'commander';
import { BundleError } from '../../errors.ts';
import {
  addImageOptions,
  type ImageOptions,
  openChosenCache,
  prepareChosenBundle,
} from '../image-options.ts';
import { startProgress } from '../progress.ts';

interface StreamOptions extends ImageOptions {
  readonly tar?: boolean;
}

export function addStreamCommand(program: Command, signal: AbortSignal): void {
  addImageOptions(
    program
      .command('stream')
      .description('write the bundle of these images to standard output, the same bytes as build')
      .argument(
        '[images...]',
        'image names; may be left out for an archive or OCI layout: then all its images',
      ),
  )
    .option('--tar', 'uncompressed, for loaders that cannot read xz')
    .addHelpText(
      'after',
      '\nExamples:\n  bundlefs stream shop/web:1 shop/api:1 | docker load\n  bundlefs stream --tar shop/web:1 | ctr -n k8s.io images import -',
    )
    .action((images: string[], options: StreamOptions) => stream(images, options, signal));
}

async function stream(names: readonly string[], options: StreamOptions, signal: AbortSignal): Promise<void> {
  if (process.stdout.isTTY) {
    throw new BundleError('terminal-output', 'Cannot stream the bundle: standard output is a terminal', {
      hint: 'Pipe it into a loader (bundlefs stream … | docker load), or write a file with bundlefs build -o FILE.',
    });
  }
  const { writeToStream } = await import('../../outputs/write-to-stream.ts');
  await using bundle = await prepareChosenBundle(names, options, await openChosenCache(options), signal);
  using progress = startProgress({ label: 'streaming' });
  const file = options.tar === true ? bundle.tar : bundle.xz;
  await writeToStream(file, process.stdout, {
    signal,
    onProgress: (done, total) => {
      progress.show(done, total);
    },
  });
}
