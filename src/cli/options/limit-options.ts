/** The limits of a cache as users write them: `--max-size 20G --keep-last 5 --older-than 30d`, and the environment. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { CollectLimits } from '../../cache/upkeep/plan-collection.ts';
import { BundleError } from '../../ground/errors.ts';
import { findSize } from '../../ground/parse-size.ts';

export interface LimitOptions {
  readonly maxSize?: number;
  readonly keepLast?: number;
  readonly olderThan?: number;
  /** Files. */
  readonly keepRecipe?: readonly string[];
}

/** Limits as a project file has them: text, or numbers. */
export interface WrittenLimits {
  readonly maxSize?: string | number | undefined;
  readonly keepLast?: number | undefined;
  readonly olderThan?: string | undefined;
  /** Absolute paths. */
  readonly keepRecipes?: readonly string[] | undefined;
}

const maxSizeVariable = 'BUNDLEFS_CACHE_MAX_SIZE';
const sizeRule =
  'It is a count of bytes, with K, M, G, T (powers of 1024) or kB, MB, GB, TB (powers of 1000).';
const ageRule = 'It is a whole number with a unit: s, m, h, d or w.';
const unitMs = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

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

/** The limits that options set, and for the rest those that hold without anybody asking. Throws invalid-argument. */
export function chosenLimits(
  options: LimitOptions,
  written: WrittenLimits,
  environment: NodeJS.ProcessEnv,
): CollectLimits {
  return {
    ...automaticLimits(written, environment),
    ...(options.maxSize !== undefined && { maxSize: options.maxSize }),
    ...(options.keepLast !== undefined && { keepLast: options.keepLast }),
    ...(options.olderThan !== undefined && { olderThanMs: options.olderThan }),
  };
}

/** The files of the recipes to keep: those of the options, and those of the project file. */
export function chosenRecipes({ keepRecipe = [] }: LimitOptions, written: WrittenLimits): readonly string[] {
  return [...keepRecipe, ...(written.keepRecipes ?? [])];
}

/** The limits of a project file, else of the environment. Throws invalid-argument. */
export function automaticLimits(written: WrittenLimits, environment: NodeJS.ProcessEnv): CollectLimits {
  const { maxSize, keepLast, olderThan } = written;
  return {
    ...(maxSize === undefined
      ? readEnvironmentLimits(environment)
      : { maxSize: readSize(maxSize, 'gc.maxSize') }),
    ...(keepLast !== undefined && { keepLast }),
    ...(olderThan !== undefined && { olderThanMs: readAge(olderThan, 'gc.olderThan') }),
  };
}

/** Whether anything is limited, so that somebody should look. */
export function hasLimits({ maxSize, olderThanMs }: CollectLimits): boolean {
  return maxSize !== undefined || olderThanMs !== undefined;
}

function readEnvironmentLimits(environment: NodeJS.ProcessEnv): CollectLimits {
  const text = environment[maxSizeVariable] ?? '';
  return text === '' ? {} : { maxSize: readSize(text, `$${maxSizeVariable}`) };
}

function readSize(value: string | number, what: string): number {
  const size = typeof value === 'number' ? value : findSize(value);
  if (size !== undefined) return size;
  throw new BundleError('invalid-argument', `Cannot use ${what}: "${value}" is no size`, { hint: sizeRule });
}

function readAge(text: string, what: string): number {
  const ageMs = findAgeMs(text);
  if (ageMs !== undefined) return ageMs;
  throw new BundleError('invalid-argument', `Cannot use ${what}: "${text}" is no age`, { hint: ageRule });
}

function findSizeOrThrow(text: string): number {
  const size = findSize(text);
  if (size !== undefined) return size;
  throw new InvalidArgumentError(sizeRule);
}

/** `30d`, `12h`, `90s` in milliseconds; undefined for anything else. */
export function findAgeMs(text: string): number | undefined {
  const match = /^(\d{1,9})\s*([smhdw])$/.exec(text.trim());
  if (match === null) return undefined;
  return Number(match[1]) * unitMs[match[2] as keyof typeof unitMs];
}

/** How many lines to show: Infinity for 0. Throws commander's own error, which names the option. */
export function parseTop(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It is a number, and 0 for all.');
  return Number(text) === 0 ? Number.POSITIVE_INFINITY : Number(text);
}
