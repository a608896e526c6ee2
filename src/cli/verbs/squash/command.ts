/** `bundlefs squash`: an image with one layer in place of many. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { addSourceOptions, type Given } from '../../options/image-options.ts';
import type { ResultOptions } from '../../../request/made/transformed.ts';
import type { SquashOptions } from './run.ts';
import { addResultOptions } from '../../options/result-options.ts';

export function addSquashCommand(program: Command, signal: AbortSignal): void {
  addResultOptions(
    addSourceOptions(
      program
        .command('squash')
        .description('make one layer of the layers of an image; what they hide takes no space any more')
        .argument('<image>', 'the name or id of an image'),
    )
      .addOption(
        new Option('--last <count>', 'squash the uppermost layers only')
          .argParser(parseCount)
          .conflicts('fromLayer'),
      )
      .option(
        '--from-layer <layer>',
        'squash this layer and those above it only: its number, 1 for the lowest, or the start of its diffId',
      ),
  )
    .addHelpText(
      'after',
      '\nExamples:\n  bundlefs squash shop/web:1 -t shop/web:1-flat -o web.tar.xz\n  bundlefs squash shop/web:1 --last 5 --into docker',
    )
    .action(async (image: string, given: Given<ResultOptions & SquashOptions>) => {
      const { chooseImages } = await import('../../../request/made/selection.ts');
      const { selection, options } = await chooseImages([image], given);
      const { runSquash } = await import('./run.ts');
      await runSquash(selection, { ...given, ...options }, signal);
    });
}

function parseCount(text: string): number {
  if (/^[1-9][0-9]{0,3}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It is a whole number from 1.');
}
