/** Runs a worker: the process that makes a generation, so that the daemon stays small and survives whatever happens to it. */
import { fork } from 'node:child_process';
import { BundleError, describeError } from '../errors.ts';
import type { RefreshProgress } from './status.ts';
import { findWorkerMessage, type PreparedGeneration, workerError } from './worker-message.ts';

export interface RunWorkerOptions {
  readonly signal: AbortSignal;
  /** The folder that relative paths of the task are meant from. */
  readonly folder: string;
  /**
   * Added to its nice value: 0 for work that somebody waits for. Linux derives the priority of its reads and writes
   * from that, too (ioprio_set(2)).
   */
  readonly niceness: number;
  readonly onProgress: (progress: RefreshProgress) => void;
  /** Gets what it prints, by lines: nothing, unless it crashes. */
  readonly onOutput: (line: string) => void;
  /** Whether it reads this process's standard input. */
  readonly hasInput?: boolean;
}

/**
 * Runs the worker program `script` with `task` as its only argument, in JSON, to its end. Throws its error;
 * source-failed where it ended without one; the signal's reason.
 */
export async function runWorker(
  script: string,
  task: object,
  { signal, folder, niceness, onProgress, onOutput, hasInput = false }: RunWorkerOptions,
): Promise<PreparedGeneration> {
  signal.throwIfAborted();
  const child = fork(script, [JSON.stringify(task)], {
    cwd: folder,
    stdio: [hasInput ? 'inherit' : 'ignore', 'pipe', 'pipe', 'ipc'],
    // Before it has any thread: setpriority(2) from inside would change one of them only.
    ...(niceness > 0 && {
      execPath: 'nice',
      execArgv: ['-n', String(niceness), process.execPath, ...process.execArgv],
    }),
  });
  const stop = (): void => {
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), 10_000).unref();
  };
  signal.addEventListener('abort', stop);
  let outcome: { prepared: PreparedGeneration } | { error: BundleError } | undefined;
  child.on('message', (received) => {
    const message = findWorkerMessage(received);
    if (message?.kind === 'progress') onProgress(message.progress);
    else if (message?.kind === 'prepared') outcome = { prepared: message.prepared };
    else if (message?.kind === 'failed') outcome = { error: workerError(message) };
  });
  for (const output of [child.stdout, child.stderr]) readLines(output, onOutput);
  try {
    const status = await new Promise<string>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code, name) => {
        resolve(name === null ? `it ended with status ${code}` : `it was ended by ${name}`);
      });
    }).catch((error: unknown) => {
      throw crashed(describeError(error), error);
    });
    signal.throwIfAborted();
    if (outcome === undefined) throw crashed(status);
    if ('error' in outcome) throw outcome.error;
    return outcome.prepared;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

function crashed(found: string, cause?: unknown): BundleError {
  return new BundleError('source-failed', `Cannot make the bundle: ${found} before it was done`, {
    cause,
    hint: 'The process that makes it crashed, or was killed where memory is short: the log may say more',
  });
}

function readLines(stream: NodeJS.ReadableStream | null, onLine: (line: string) => void): void {
  let rest = '';
  stream?.setEncoding('utf8');
  stream?.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = (lines.pop() ?? '').slice(-10_000);
    for (const line of lines) if (line !== '') onLine(line);
  });
  stream?.on('end', () => {
    if (rest !== '') onLine(rest);
  });
}
