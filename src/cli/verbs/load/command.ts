/** `bundlefs load`: images straight into an engine. */
import type { Command } from 'commander';
import { addImageOptions, type Given, imagesHelp } from '../../options/image-options.ts';
import type { LoadOptions } from './run.ts';

export function addLoadCommand(program: Command, signal: AbortSignal): void {
  addImageOptions(
    program
      .command('load')
      .description('load these images into an engine, uncompressed, and check that they arrived')
      .argument('[images...]', imagesHelp),
  )
    .option(
      '--into <host>',
      'the engine to load into, such as unix:///other.sock (default: the one docker would use)',
    )
    .option('--json', 'print one JSON object on standard output')
    .addHelpText(
      'after',
      '\nExamples:\n  bundlefs load shop/web:1 --into unix:///other.sock\n  bundlefs load --from images.tar.xz --into tcp://10.0.0.7:2375',
    )
    .action(async (images: string[], given: Given<LoadOptions>) => {
      const { chooseImages } = await import('../../../request/made/selection.ts');
      const { selection, options } = await chooseImages(images, given);
      const { runLoad } = await import('./run.ts');
      await runLoad(selection, { ...given, ...options }, signal);
    });
}
