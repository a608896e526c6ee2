/** The limits of a cache: what options, the project file and the environment say of them. */
import type { CollectLimits } from '../cache/upkeep/plan-collection.ts';
import { BundleError } from '../ground/errors.ts';
import { findSize } from '../ground/parse-size.ts';

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

/** Of the environment. */
export const maxSizeVariable = 'BUNDLEFS_CACHE_MAX_SIZE';
/** For messages. */
export const sizeRule =
  'It is a count of bytes, with K, M, G, T (powers of 1024) or kB, MB, GB, TB (powers of 1000).';
/** For messages. */
export const ageRule = 'It is a whole number with a unit: s, m, h, d or w.';
const unitMs = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/** The limits that options set, and for the rest those that hold without anybody asking. Throws invalid-argument. */
export function chosenLimits(
  options: LimitOptions,
  written: WrittenLimits,
  environment: NodeJS.ProcessEnv,
): CollectLimits {
  const automatic = automaticLimits(written, environment);
  return {
    maxSize: options.maxSize ?? automatic.maxSize,
    keepLast: options.keepLast ?? automatic.keepLast,
    olderThanMs: options.olderThan ?? automatic.olderThanMs,
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
    maxSize: maxSize === undefined ? readEnvironmentSize(environment) : readSize(maxSize, 'gc.maxSize'),
    keepLast,
    olderThanMs: olderThan === undefined ? undefined : readAge(olderThan, 'gc.olderThan'),
  };
}

/** Whether anything is limited, so that somebody should look. */
export function hasLimits({ maxSize, olderThanMs }: CollectLimits): boolean {
  return maxSize !== undefined || olderThanMs !== undefined;
}

function readEnvironmentSize(environment: NodeJS.ProcessEnv): number | undefined {
  const text = environment[maxSizeVariable] ?? '';
  return text === '' ? undefined : readSize(text, `$${maxSizeVariable}`);
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

/** `30d`, `12h`, `90s` in milliseconds; undefined for anything else. */
export function findAgeMs(text: string): number | undefined {
  const match = /^(\d{1,9})\s*([smhdw])$/.exec(text.trim());
  if (match === null) return undefined;
  return Number(match[1]) * unitMs[match[2] as keyof typeof unitMs];
}
