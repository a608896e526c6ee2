/** The command line: verbs, signals, and the translation of errors into one line and an exit status. */
import { Command, CommanderError } from 'commander';
import { BundleError, findErrno, hintLines, isBundleError, stackLines } from '../ground/errors.ts';
import { printLines, standardOutput, warnLines } from '../ground/print.ts';
import { findSystemError, findSystemHint } from '../ground/system-error.ts';
import { addBuildCommand } from './verbs/build/command.ts';
import { addCacheCommand } from './verbs/cache/command.ts';
import { addCopyCommand } from './verbs/copy/command.ts';
import { addDeltaCommand } from './verbs/delta/command.ts';
import { addDescribeCommand } from './verbs/describe/command.ts';
import { addDiffCommand } from './verbs/diff/command.ts';
import { addCompletionCommand } from './verbs/completion/command.ts';
import { addDoctorCommand } from './verbs/doctor/command.ts';
import { addInspectCommand } from './verbs/inspect/command.ts';
import { addLoadCommand } from './verbs/load/command.ts';
import { addListCommand } from './verbs/list/command.ts';
import { addLogCommand } from './verbs/log/command.ts';
import { addMountCommand } from './verbs/mount/command.ts';
import { addRefreshCommand } from './verbs/refresh/command.ts';
import { addSquashCommand } from './verbs/squash/command.ts';
import { addStatusCommand } from './verbs/status/command.ts';
import { addPlanCommand } from './verbs/plan/command.ts';
import { addPushCommand } from './verbs/push/command.ts';
import { addStreamCommand } from './verbs/stream/command.ts';
import { addThinCommand } from './verbs/thin/command.ts';
import { addUnmountCommand } from './verbs/unmount/command.ts';
import { addVerifyCommand } from './verbs/verify/command.ts';
import { addWhyCommand } from './verbs/why/command.ts';
import { exitStatus, unexpectedStatus } from './exit-status.ts';
import { readVersion } from '../request/version.ts';
import { writeOutputWhole } from '../place/file/write-to-stream.ts';

/** Runs the program with these arguments and sets the exit status of the process. */
export async function main(args: readonly string[]): Promise<void> {
  const signal = abortOnSignals();
  writeOutputWhole(standardOutput);
  standardOutput.on('error', reportOutputError);
  const program = createProgram(signal);
  const isDebug = (): boolean => program.opts()['debug'] === true;
  // What nobody waits for, such as a program that could not be started, ends this one with a word, too.
  process.on('uncaughtException', (error) => {
    process.exit(report(error, isDebug()));
  });
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    process.exitCode = report(signal.aborted ? signal.reason : error, isDebug());
  }
}

/** All verbs; `signal` asks their work to stop. */
export function createProgram(signal: AbortSignal): Command {
  const program = new Command('bundlefs')
    .description('Keeps an offline bundle of Docker images fresh: only what changed is compressed again.')
    .version(readVersion(), '-V, --version')
    .option('--debug', 'show where an error came from')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => {
        printLines(text.replace(/\n$/, '').split('\n'));
      },
      writeErr: (text) => {
        warnLines(text.replace(/\n$/, '').split('\n'));
      },
      outputError: (text) => {
        warnLines(linesOfUsageError(text));
      },
    })
    .showHelpAfterError('bundlefs --help lists the verbs, bundlefs VERB --help what each takes.')
    .hook('preAction', (_, command) => {
      refuseEmpty(command);
    });
  for (const add of [
    addBuildCommand,
    addMountCommand,
    addCopyCommand,
    addStatusCommand,
    addListCommand,
    addRefreshCommand,
    addLogCommand,
    addUnmountCommand,
    addStreamCommand,
    addLoadCommand,
    addSquashCommand,
    addThinCommand,
    addDescribeCommand,
    addPushCommand,
    addInspectCommand,
    addVerifyCommand,
    addDeltaCommand,
    addPlanCommand,
    addDiffCommand,
    addWhyCommand,
    addCacheCommand,
    addDoctorCommand,
    addCompletionCommand,
  ]) {
    add(program, signal);
  }
  return program;
}

/** The first signal asks all work to stop and clean up; a second one does not wait for that. */
function abortOnSignals(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(exitStatus.interrupted);
      controller.abort(new BundleError('interrupted', `Stopped by ${name}`));
    });
  }
  return controller.signal;
}

/** A reader that has seen enough (`| head`) is no fault; a full disk is. `stream` reports its own. */
function reportOutputError(error: Error): void {
  if (findErrno(error) === 'EPIPE' || process.exitCode !== undefined) return;
  process.exitCode = report(
    new BundleError('output-failed', `Cannot write to standard output: ${error.message}`),
    false,
  );
}

function report(thrown: unknown, isDebug: boolean): number {
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : 2;
  const error = isBundleError(thrown) ? thrown : findSystemError(thrown);
  if (error === undefined) {
    const [first = '', ...stack] = stackLines(thrown);
    const request = 'This is a fault of bundlefs itself; please report it with the lines above.';
    warnLines([`bundlefs: ${first}`, ...stack, request]);
    return unexpectedStatus;
  }
  const hint = hintLines({ hint: error.hint ?? findSystemHint(error) });
  warnLines([`bundlefs: ${error.message}`, ...(hint ?? [])]);
  if (isDebug) warnLines(chainLines(error));
  return exitStatus[error.code];
}

function chainLines(error: Error): string[] {
  if (!(error.cause instanceof Error)) return stackLines(error);
  const [first = '', ...rest] = chainLines(error.cause);
  return [...stackLines(error), `caused by ${first}`, ...rest];
}

/** What commander says: what was typed is in its first line, which ends where a guess of its own begins. */
function linesOfUsageError(text: string): string[] {
  const [, message = '', guess] = /^(?:error: )?(.*?)(?:\n(\(Did you mean [^\n]*\)))?\n?$/s.exec(text) ?? [];
  return [`bundlefs: ${message}`, ...(guess === undefined ? [] : [guess])];
}

/** Throws invalid-argument where one that `command` was given is empty. */
export function refuseEmpty(command: Command): void {
  if (command.args.includes('')) throw empty('an argument');
  for (const option of command.options) {
    const value: unknown = command.getOptionValue(option.attributeName());
    if (value === '' || (Array.isArray(value) && value.includes('')))
      throw empty(option.long ?? option.flags);
  }
}

function empty(what: string): BundleError {
  return new BundleError('invalid-argument', `Cannot use ${what} "": it is empty`, {
    hint: 'Perhaps it is a variable of the shell that is not set.',
  });
}
