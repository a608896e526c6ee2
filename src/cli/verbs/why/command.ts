/** `bundlefs why`: what made an image encode. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { BundleError } from '../../../ground/errors.ts';
import { addCacheOption } from '../../options/image-options.ts';
import { parseTop } from '../../options/limit-options.ts';
import { findAgeMs } from '../../../request/cache-limits.ts';
import type { WhyOptions } from './run.ts';

export function addWhyCommand(program: Command, signal: AbortSignal): void {
  addCacheOption(
    program
      .command('why')
      .description('show which layers and files of an image had to be encoded, and why')
      .argument('[image]', 'its name, with or without a tag, or its id; with --since, all where left out'),
  )
    .option(
      '--build <number>',
      'in @n: 0 for the last bundle built, 1 for the one before it (default: the last one that encoded something of it)',
      parseBuild,
    )
    .addOption(
      new Option(
        '--since <time>',
        'sums over all builds since then, by layers and without files: a date, or 7d, 12h',
      )
        .argParser(parseSince)
        .conflicts('build'),
    )
    .option(
      '--top <count>',
      'files (with --since: layers) to list for each, most encoded bytes first; 0 for all',
      parseTop,
      10,
    )
    .option('--json', 'print one JSON object on standard output, with all files')
    .addHelpText(
      'after',
      '\nExamples:\n  bundlefs why shop/web:1\n  bundlefs why shop/web --build 3 --top 0\n  bundlefs why --since 7d',
    )
    .action(async (image: string | undefined, options: WhyOptions & { readonly since?: number }) => {
      if (options.since !== undefined) {
        const { runWhySince } = await import('./since.ts');
        await runWhySince(image, { ...options, since: options.since });
        return;
      }
      if (image === undefined) {
        throw new BundleError('invalid-argument', 'Cannot explain: no image is named', {
          hint: 'Name one, or ask for all of a time: bundlefs why --since 7d',
        });
      }
      const { runWhy } = await import('./run.ts');
      await runWhy(image, options, signal);
    });
}

/** Unix milliseconds. */
function parseSince(text: string): number {
  const ageMs = findAgeMs(text);
  if (ageMs !== undefined) return Date.now() - ageMs;
  const timeMs = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : NaN;
  if (!Number.isNaN(timeMs)) return timeMs;
  throw new InvalidArgumentError('It is a date such as 2026-03-01, or an age such as 7d or 12h.');
}

function parseBuild(text: string): number {
  if (!/^@?\d{1,3}$/.test(text)) throw new InvalidArgumentError('It is a number: 0 is the last build.');
  return Number(text.replace('@', ''));
}
