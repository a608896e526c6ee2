/** `bundlefs why`: what made an image encode. */
import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { addCacheOption } from '../image-options.ts';
import { parseTop } from '../parse-top.ts';
import type { WhyOptions } from '../run-why.ts';

export function addWhyCommand(program: Command, signal: AbortSignal): void {
  addCacheOption(
    program
      .command('why')
      .description('show which layers and files of an image had to be encoded, and why')
      .argument('<image>', 'its name, with or without a tag, or its id'),
  )
    .option(
      '--build <number>',
      'in the build n before the last (0 for the last; default: the last one that encoded something of it)',
      parseBuild,
    )
    .option(
      '--top <count>',
      'files to list for each layer, most encoded bytes first; 0 for all',
      parseTop,
      10,
    )
    .option('--json', 'print one JSON object on standard output, with all files')
    .addHelpText('after', '\nExamples:\n  bundlefs why shop/web:1\n  bundlefs why shop/web --build 3 --top 0')
    .action(async (image: string, options: WhyOptions) => {
      const { runWhy } = await import('../run-why.ts');
      await runWhy(image, options, signal);
    });
}

function parseBuild(text: string): number {
  if (!/^@?\d{1,3}$/.test(text)) throw new InvalidArgumentError('It is a number: 0 is the last build.');
  return Number(text.replace('@', ''));
}
