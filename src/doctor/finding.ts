/** What the doctor says of one thing that it looked at. */
import {
  type BundleError,
  describeError,
  type ErrorCode,
  findErrno,
  hintLines,
  isBundleError,
} from '../ground/errors.ts';
import { showText } from '../ground/show-text.ts';

export type Finding = Harmless | Problem;

interface Observation {
  /** What was looked at: `node`, `/dev/fuse`, `cache` … */
  readonly subject: string;
  /** One line. */
  readonly text: string;
  /** What to do about it: a command where there is one, else a sentence. Lines, with a newline between two. */
  readonly cure?: string;
}

export interface Harmless extends Observation {
  /** `warning`: bundles are made and mounted, but something is slower, or will fail elsewhere or later. */
  readonly level: 'ok' | 'warning';
}

export interface Problem extends Observation {
  /** Keeps bundles from being made or mounted. */
  readonly level: 'problem';
  /** What a verb that meets it fails with; `unexpected` for what no error code is for. */
  readonly code: ErrorCode | 'unexpected';
}

/** What the checks go by: nothing else of the process, so that each can be asked about another machine. */
export interface CheckContext {
  readonly environment: NodeJS.ProcessEnv;
  readonly isRoot: boolean;
  readonly nowMs: number;
  /** As `--cache` names it. */
  readonly cache: string | undefined;
  /** As `--from` names it: what is no engine needs none. */
  readonly from: string | undefined;
  /** The size that the cache is limited to, where it is. Throws invalid-argument. */
  readonly getMaxSize: () => number | undefined;
  /** How to run this very program: the command and its first arguments. */
  readonly program: readonly [string, ...string[]];
  /** How long an engine may take to answer. */
  readonly engineTimeoutMs: number;
  readonly signal: AbortSignal;
}

/** A line, or several. */
type Cure = string | readonly string[];

export function ok(subject: string, text: string): Finding {
  return { subject, level: 'ok', text };
}

export function warning(subject: string, text: string, cure?: Cure): Finding {
  return { subject, level: 'warning', text, ...joinCure(cure) };
}

export function problem(subject: string, code: Problem['code'], text: string, cure?: Cure): Finding {
  return { subject, level: 'problem', code, text, ...joinCure(cure) };
}

function joinCure(cure: Cure | undefined): { readonly cure?: string } {
  return cure === undefined ? {} : { cure: [cure].flat().map(showText).join('\n') };
}

/** The problem that `error` is. What is no BundleError is a part of the installation that is missing, or was not foreseen. */
export function problemOf(subject: string, error: unknown): Finding {
  if (isBundleError(error)) return fromBundleError(subject, error);
  const text = `cannot be checked: ${oneLine(describeError(error))}`;
  if (missingParts.has(findErrno(error) ?? '')) {
    return problem(subject, 'addon-unavailable', text, 'Install bundlefs again: bin/setup in its folder.');
  }
  const cure =
    'It may be a fault of bundlefs: a verb that fails with it says where it comes from with --debug.';
  return problem(subject, 'unexpected', text, cure);
}

/** What Node calls a module, in JavaScript or native, that is not there or cannot be loaded. */
const missingParts: ReadonlySet<string> = new Set([
  ...['MODULE_NOT_FOUND', 'ERR_MODULE_NOT_FOUND', 'ERR_DLOPEN_FAILED'],
]);

function fromBundleError(subject: string, error: BundleError): Finding {
  return problem(subject, error.code, oneLine(error.message), hintLines(error));
}

/** Messages of systems and tools may have several lines. */
export function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
