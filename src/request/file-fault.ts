/** The error for a file that says what to bundle, and says it wrongly. */
import { BundleError } from '../ground/errors.ts';

/** Counted from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface FileFaultOptions {
  readonly hint?: string | readonly string[] | undefined;
  readonly cause?: unknown;
}

/** Says what is wrong at `position` in the file at `path`: the code is selection-invalid. */
export function fileFault(
  path: string,
  position: Position | undefined,
  fault: string,
  options: FileFaultOptions = {},
): BundleError {
  return new BundleError(
    'selection-invalid',
    `Cannot use "${path}": ${formatPosition(position)}${fault}`,
    options,
  );
}

/** `line 3, column 5: `, or nothing. */
export function formatPosition(position: Position | undefined): string {
  return position === undefined ? '' : `line ${position.line}, column ${position.column}: `;
}

/** What kind of value this is, for messages: `a number (1.2)`, `a list`. */
export function describeValue(value: unknown): string {
  if (value === null || value === undefined) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'string') return `"${value.length > 60 ? `${value.slice(0, 60)}…` : value}"`;
  if (typeof value === 'number') return `the number ${value}`;
  if (typeof value === 'boolean') return `the word ${value ? 'true' : 'false'}`;
  return typeof value === 'object' ? 'a mapping' : 'of another kind';
}
