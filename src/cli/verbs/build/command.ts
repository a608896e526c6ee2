/** `bundlefs build`: a bundle as a plain file. */
import type { Command } from 'commander';
import { addFormatOptions } from '../../options/format-options.ts';
import { addImageOptions, type Given, imagesHelp } from '../../options/image-options.ts';
import type { BuildOptions } from './run.ts';

export function addBuildCommand(program: Command, signal: AbortSignal): void {
  const command = addImageOptions(
    program
      .command('build')
      .description('write the bundle of these images to a file')
      .argument('[images...]', imagesHelp)
      .option(
        '-o, --output <file>',
        'the file to write; one that is there is replaced when the new one is whole (default: "output" in bundlefs.yaml)',
      ),
  );
  addFormatOptions(command, 'zst for a FILE that ends in .zst or .tzst, else xz')
    .option('--json', 'print one JSON object on standard output')
    .addHelpText(
      'after',
      '\nExamples:\n  bundlefs build shop/web:1 shop/api:1 -o images.tar.xz\n  bundlefs build --compose docker-compose.yml -o images.tar.xz\n  bundlefs build shop/web:1 -o images.tar.zst\n  docker save shop/web:1 | bundlefs build --from - -o images.tar.xz',
    )
    .action(async (images: string[], given: Given<BuildOptions>) => {
      const { chooseImages, chooseOutput } = await import('../../../request/made/selection.ts');
      const { selection, options } = await chooseImages(images, given);
      const output = chooseOutput(given.output, selection);
      const { runBuild } = await import('./run.ts');
      await runBuild(selection, { ...given, ...options, output }, signal);
    });
}
