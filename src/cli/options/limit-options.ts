/** The limits of a cache as users write them: `--max-size 20G --keep-last 5 --older-than 30d`, and the environment. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { findSize } from '../../ground/parse-size.ts';
import { ageRule, findAgeMs, maxSizeVariable, sizeRule } from '../../request/cache-limits.ts';

/** Adds `--max-size`, `--keep-last`, `--older-than` and `--keep-recipe` to `command`. */
export function addLimitOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--max-size <size>',
        `let the cache have at most this size, such as 20G: what was used longest ago goes first (default: gc.maxSize in bundlefs.yaml, else $${maxSizeVariable}, if set)`,
      ).argParser((text) => findSizeOrThrow(text)),
    )
    .addOption(
      new Option(
        '--keep-last <count>',
        'keep all of the bundles used last, so many of them, whatever the other limits say (default: 1)',
      ).argParser((text) => {
        if (/^\d{1,9}$/.test(text)) return Number(text);
        throw new InvalidArgumentError('It is a whole number from 0.');
      }),
    )
    .addOption(
      new Option('--older-than <age>', 'remove what nobody used for longer, such as 30d or 12h').argParser(
        (text) => {
          const ageMs = findAgeMs(text);
          if (ageMs !== undefined) return ageMs;
          throw new InvalidArgumentError(ageRule);
        },
      ),
    )
    .option(
      '--keep-recipe <file>',
      'keep all that a recipe of bundlefs describe needs, whatever the limits say (repeatable; besides gc.keepRecipes in bundlefs.yaml)',
      (path: string, before: readonly string[] | undefined) => [...(before ?? []), path],
    );
}

function findSizeOrThrow(text: string): number {
  const size = findSize(text);
  if (size !== undefined) return size;
  throw new InvalidArgumentError(sizeRule);
}

/** How many lines to show: Infinity for 0. Throws commander's own error, which names the option. */
export function parseTop(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It is a number, and 0 for all.');
  return Number(text) === 0 ? Number.POSITIVE_INFINITY : Number(text);
}
