/** The one error class of bundlefs and the union of its codes; docs/errors.md lists what each one means. */
import { showText } from './show-text.ts';

/** Every reason for which bundlefs refuses or fails. Match on these, never on message text. */
export type ErrorCode =
  // what was asked for
  | 'invalid-argument'
  | 'invalid-reference'
  | 'image-not-found'
  | 'selection-invalid'
  | 'terminal-output'
  // where images come from
  | 'source-unreachable'
  | 'source-failed'
  | 'access-denied'
  | 'archive-not-found'
  | 'archive-empty'
  | 'archive-truncated'
  | 'archive-corrupt'
  | 'archive-unsupported'
  | 'image-unsupported'
  | 'config-missing'
  | 'config-corrupt'
  | 'config-mismatch'
  | 'layer-missing'
  | 'layer-mismatch'
  // xz
  | 'xz-corrupt'
  | 'xz-truncated'
  | 'xz-unsupported'
  // the cache
  | 'cache-full'
  | 'cache-read-only'
  | 'cache-failed'
  | 'block-missing'
  | 'block-corrupt'
  | 'encode-failed'
  // where bundles go to
  | 'output-failed'
  | 'output-full'
  | 'output-corrupt'
  | 'bundle-corrupt'
  | 'load-failed'
  | 'push-failed'
  | 'mount-point-invalid'
  | 'mount-point-busy'
  | 'mount-unavailable'
  | 'mount-failed'
  | 'not-mounted'
  // this program
  | 'addon-unavailable'
  | 'system-failed'
  | 'interrupted';

export interface BundleErrorOptions {
  /** The error that led to this one. */
  readonly cause?: unknown;
  /** What the user can do about it: a line, or several, shown below the message. To pass one on: `hintLines`. */
  readonly hint?: string | readonly string[] | undefined;
  /** The path of the file at fault, where a caller answers by setting that file aside. */
  readonly path?: string;
}

/**
 * What bundlefs throws for everything that is not a programmer's mistake (those are TypeError and RangeError).
 * The message reads `Cannot <verb> "<what>": <what was found, what was wanted>`, without a full stop. It is one line, and so
 * is each line of the hint, whatever names are in them: see `showText`.
 */
export class BundleError extends Error {
  override readonly name = 'BundleError';
  readonly code: ErrorCode;
  /** Its lines, with a newline between two. */
  readonly hint: string | undefined;
  readonly path: string | undefined;

  constructor(code: ErrorCode, message: string, options: BundleErrorOptions = {}) {
    super(
      showText(shortenMiddle(message)),
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.code = code;
    this.hint = options.hint === undefined ? undefined : [options.hint].flat().map(showText).join('\n');
    this.path = options.path;
  }
}

/** Above every honest message: a path has at most 4096 bytes. A line of a list or a document may have megabytes, and is in quotes there. */
const longestMessage = 4500;

function shortenMiddle(text: string): string {
  const half = longestMessage / 2;
  return text.length <= longestMessage ? text : `${text.slice(0, half)} … ${text.slice(-half)}`;
}

/** Whether `error` is a BundleError, and, where codes are given, one of those. */
export function isBundleError(error: unknown, ...codes: readonly ErrorCode[]): error is BundleError {
  return error instanceof BundleError && (codes.length === 0 || codes.includes(error.code));
}

/** The lines of the hint of an error, or of what is left of one in a message or a record: to be passed on. */
export function hintLines({ hint }: { readonly hint?: string | undefined }): readonly string[] | undefined {
  return hint?.split('\n');
}

/** The errno name (`ENOENT`, `ENOSPC` …) of a system error, or undefined for any other value. */
export function findErrno(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** The stack of anything thrown: its message is the first line, whatever is in it. */
export function stackLines(error: unknown): string[] {
  if (!(error instanceof Error)) return [String(error)];
  const { message, stack = message } = error;
  const end = message === '' ? -1 : stack.indexOf(message);
  if (end < 0) return stack.split('\n');
  const frames = stack
    .slice(end + message.length)
    .split('\n')
    .slice(1);
  return [stack.slice(0, end + message.length), ...frames];
}

/** The message of anything thrown as one line, for building another message from it. */
export function describeError(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.trim().replace(/\s*[\r\n]\s*/g, ' ');
}
