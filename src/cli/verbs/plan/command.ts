/** `bundlefs plan`: what a build would cost. */
import type { Command } from 'commander';
import { addImageOptions, type Given, imagesHelp } from '../../options/image-options.ts';
import type { PlanOptions } from './run.ts';

export function addPlanCommand(program: Command, signal: AbortSignal): void {
  addImageOptions(
    program
      .command('plan')
      .description(
        'say what a build of these images would read, encode and write, and how long it would take; builds nothing',
      )
      .argument('[images...]', imagesHelp),
  )
    .option(
      '--exact',
      'read and cut the layers that are not known, which costs time, to say exactly what is new',
    )
    .option('--json', 'print one JSON object on standard output')
    .option('--exit-code', 'end with status 10 where something would have to be encoded')
    .addHelpText(
      'after',
      '\nExamples:\n  bundlefs plan shop/web:1 shop/api:1\n  bundlefs plan --from images.tar --exact',
    )
    .action(async (images: string[], given: Given<PlanOptions>) => {
      const { chooseImages } = await import('../../../request/made/selection.ts');
      const { selection, options } = await chooseImages(images, given);
      const { runPlan } = await import('./run.ts');
      await runPlan(selection, { ...given, ...options }, signal);
    });
}
