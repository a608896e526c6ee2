/** `bundlefs describe`: images as a small JSON file. */
import type { Command } from 'commander';
import { addImageOptions, type Given, imagesHelp } from '../../options/image-options.ts';
import type { Settings } from '../../../request/settings.ts';

export function addDescribeCommand(program: Command, signal: AbortSignal): void {
  addImageOptions(
    program
      .command('describe')
      .description(
        'print a recipe of these images: a small JSON that every verb takes in their place, while the cache has their blocks',
      )
      .argument('[images...]', imagesHelp),
  )
    .addHelpText(
      'after',
      '\nExamples:\n  bundlefs describe shop/web:1 shop/api:1 > app.json\n  bundlefs build --from recipe:app.json -o images.tar.xz\n  bundlefs mount --from recipe:app.json /mnt/bundle',
    )
    .action(async (images: string[], given: Given<Settings>) => {
      const { chooseImages } = await import('../../../request/made/selection.ts');
      const { selection, options } = await chooseImages(images, given);
      const { runDescribe } = await import('./run.ts');
      await runDescribe(selection, { ...given, ...options }, signal);
    });
}
