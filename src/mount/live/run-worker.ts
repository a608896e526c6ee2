/** Runs a worker: the process that makes a generation, so that the daemon stays small and survives whatever happens to it. */
import { type ChildProcess, fork } from 'node:child_process';
import { BundleError, describeError } from '../../ground/errors.ts';
import type { RefreshProgress } from '../control/status.ts';
import { findWorkerMessage, type PreparedGeneration, workerError } from './worker-message.ts';

/** A worker that is told to end cleans up first, and is not waited for longer than that. */
const killTimeoutMs = 10_000;

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
  /** Gets what it has to say besides, for people. */
  readonly onNote: (text: string) => void;
  /** Gets what it prints, by lines: nothing, unless it crashes. */
  readonly onOutput: (line: string) => void;
  /** Whether it reads this process's standard input. */
  readonly hasInput?: boolean;
}

/** What a worker has made. Until it is disposed of, the worker lives on and holds a lease of it. */
export type HeldGeneration = PreparedGeneration & AsyncDisposable;

/**
 * Runs the worker program `script` with `task` as its only argument, in JSON, until it has made a generation. Throws
 * its error; source-failed where it ended without one; the signal's reason. Whatever happens, it has ended when this
 * throws or the result is disposed of.
 */
export async function runWorker(
  script: string,
  task: object,
  { signal, folder, niceness, onProgress, onNote, onOutput, hasInput = false }: RunWorkerOptions,
): Promise<HeldGeneration> {
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
  for (const output of [child.stdout, child.stderr]) readLines(output, onOutput);
  const ended = whenEnded(child);
  const stop = (): void => {
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), killTimeoutMs).unref();
  };
  signal.addEventListener('abort', stop);
  try {
    const outcome = await Promise.race([whenPrepared(child, { onProgress, onNote }), ended]);
    signal.throwIfAborted();
    if (outcome.kind === 'ended') throw crashed(outcome.how, outcome.cause);
    return {
      ...outcome.prepared,
      async [Symbol.asyncDispose]() {
        if (child.connected) child.disconnect();
        await ended;
      },
    };
  } catch (error) {
    if (child.connected) child.disconnect();
    await ended;
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** Rejects with the worker's own error, after which it ends. */
function whenPrepared(
  child: ChildProcess,
  { onProgress, onNote }: Pick<RunWorkerOptions, 'onProgress' | 'onNote'>,
): Promise<{ readonly kind: 'prepared'; readonly prepared: PreparedGeneration }> {
  return new Promise((resolve, reject) => {
    child.on('message', (received) => {
      const message = findWorkerMessage(received);
      if (message?.kind === 'progress') onProgress(message.progress);
      else if (message?.kind === 'note') onNote(message.text);
      else if (message?.kind === 'prepared') resolve({ kind: 'prepared', prepared: message.prepared });
      else if (message?.kind === 'failed') reject(workerError(message));
    });
  });
}

function whenEnded(
  child: ChildProcess,
): Promise<{ readonly kind: 'ended'; readonly how: string; readonly cause?: Error }> {
  // Node's `close` never comes once this side has disconnected. `disconnect` comes when all messages have been read.
  const disconnected = new Promise<void>((resolve) => child.on('disconnect', resolve));
  return new Promise((resolve) => {
    child.on('error', (cause) => {
      resolve({ kind: 'ended', how: describeError(cause), cause });
    });
    child.on('exit', (code, name) => {
      const how = name === null ? `it ended with status ${code}` : `it was ended by ${name}`;
      void disconnected.then(() => {
        resolve({ kind: 'ended', how });
      });
    });
  });
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
