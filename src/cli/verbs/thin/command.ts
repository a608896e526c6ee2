/** `bundlefs thin`: an image as the layers of an older one and a layer with what differs. */
import { isStandardInput } from '../../../place/place.ts';
import type { Command } from 'commander';
import { addSourceOptions, type Given } from '../../options/image-options.ts';
import { addResultOptions } from '../../options/result-options.ts';
import type { ResultOptions } from '../../../request/made/transformed.ts';
import type { ThinCommandOptions } from './run.ts';

export function addThinCommand(program: Command, signal: AbortSignal): void {
  addResultOptions(
    addSourceOptions(
      program
        .command('thin')
        .description(
          'make an image of the layers of an older one and a layer with only the files that differ, for those who have the older one',
        )
        .argument('<image>', 'the name or id of the newer image'),
    )
      .requiredOption('--on <older>', 'the name or id of the older image')
      .option('--on-from <source>', 'where the older image comes from (default: where the newer one does)')
      .option('--ignore-mtime', 'take files for the same that differ in nothing but their times')
      .option('--dry-run', 'say what it would save, and make nothing'),
  )
    .addHelpText(
      'after',
      '\nExamples:\n  bundlefs thin shop/web:2 --on shop/web:1 --dry-run\n  bundlefs thin shop/web:2 --on shop/web:1 --on-from last.tar.xz -o web.tar.xz',
    )
    .action(async (image: string, given: Given<ResultOptions & ThinCommandOptions>) => {
      const { chooseImages } = await import('../../../request/made/selection.ts');
      const { on = '' } = given;
      // Standard input cannot be read a second time for the older one.
      const images = isStandardInput(given.from) && given.onFrom === undefined ? [image, on] : [image];
      const { selection, options } = await chooseImages(images, given);
      const { runThin } = await import('./run.ts');
      await runThin(image, selection, { ...given, on, ...options }, signal);
    });
}
