/** `bundlefs stream`: the bundle on standard output. */
import { type Command, Option } from 'commander';
import { addFormatOptions } from '../../options/format-options.ts';
import { addImageOptions, type Given, imagesHelp } from '../../options/image-options.ts';
import type { StreamOptions } from './run.ts';

export function addStreamCommand(program: Command, signal: AbortSignal): void {
  const command = addImageOptions(
    program
      .command('stream')
      .description('write the bundle of these images to standard output, the same bytes as build')
      .argument('[images...]', imagesHelp),
  );
  addFormatOptions(command, 'xz')
    .addOption(
      new Option('--tar', 'uncompressed, for loaders that cannot read xz').conflicts(['format', 'zstLevel']),
    )
    .addHelpText(
      'after',
      '\nExamples:\n  bundlefs stream shop/web:1 shop/api:1 | docker load\n  bundlefs stream --tar shop/web:1 | ctr -n k8s.io images import -\n  bundlefs stream --format zst shop/web:1 | ssh node ctr -n k8s.io images import -',
    )
    .action(async (images: string[], given: Given<StreamOptions>) => {
      const { chooseImages } = await import('../../../request/made/selection.ts');
      const { selection, options } = await chooseImages(images, given);
      const { runStream } = await import('./run.ts');
      await runStream(selection, { ...given, ...options }, signal);
    });
}
