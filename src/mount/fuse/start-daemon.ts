/** Starts a daemon and waits until its mount is there: what `bundlefs mount` does before it returns. */
import { fork, type ChildProcess } from 'node:child_process';
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { openOwnFile } from '../../disk/own/own-files.ts';
import { BundleError, describeError } from '../../ground/errors.ts';
import { findDaemonMessage, fromFailedMessage } from './daemon-message.ts';

export interface StartDaemonOptions {
  /** Where the daemon's output goes, added at the end. Its folder must be there. */
  readonly logPath: string;
  /** Arguments of node itself; those of this process where absent. */
  readonly execArgv?: readonly string[];
  /**
   * What to send the daemon as its first message (see receiveOrder), where that is known only later: it starts, and
   * loads what it needs, meanwhile. Where this rejects the daemon is ended, and startDaemon throws the same.
   */
  readonly order?: Promise<string>;
  /** Aborted to give up: the daemon is told to end, and has ended when this rejects. */
  readonly signal?: AbortSignal;
}

export interface StartedDaemon {
  readonly pid: number;
  /** What the daemon's `start` returned. */
  readonly payload: unknown;
}

type Outcome =
  | { readonly kind: 'mounted'; readonly pid: number; readonly payload: unknown }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'ended'; readonly status: string };

const logTailSize = 2000;

/**
 * Runs `script`, which calls runDaemon, in a process of its own that lives on in a session of its own, and returns when
 * its mount can be read. Throws the daemon's own error where that tells one, and mount-failed, with the end of the log,
 * where it ends without.
 */
export async function startDaemon(
  script: string,
  args: readonly string[],
  options: StartDaemonOptions,
): Promise<StartedDaemon> {
  const { logPath, execArgv, signal, order } = options;
  order?.catch(() => undefined); // thrown when there is a daemon to wait for
  signal?.throwIfAborted();
  const log = await openLog(logPath);
  try {
    const { size: logStart } = await log.stat();
    const child = fork(script, [...args], {
      detached: true,
      stdio: ['ignore', log.fd, log.fd, 'ipc'],
      ...(execArgv === undefined ? {} : { execArgv: [...execArgv] }),
    });
    const outcome = await waitForOutcome(child, signal, order);
    if (outcome.kind !== 'mounted') {
      signal?.throwIfAborted();
      throw outcome.kind === 'failed'
        ? outcome.error
        : await describeEnd(outcome.status, logPath, log, logStart);
    }
    child.disconnect();
    child.unref();
    return { pid: outcome.pid, payload: outcome.payload };
  } finally {
    await log.close();
  }
}

/** Resolves when the mount is there or the child has ended: a child told to end is waited for. */
function waitForOutcome(
  child: ChildProcess,
  signal: AbortSignal | undefined,
  order: Promise<string> | undefined,
): Promise<Outcome> {
  return new Promise((resolve) => {
    let error: unknown;
    const stop = (): void => {
      child.kill('SIGTERM');
    };
    order?.then(
      // A daemon that has ended meanwhile cannot be told: that shows when it is closed.
      (text) => child.connected && child.send(text, () => undefined),
      (reason: unknown) => {
        error = reason;
        stop();
      },
    );
    const settle = (outcome: Outcome): void => {
      signal?.removeEventListener('abort', stop);
      resolve(outcome);
    };
    signal?.addEventListener('abort', stop);
    if (signal?.aborted === true) stop();
    child.on('message', (received) => {
      const message = findDaemonMessage(received);
      if (message?.kind === 'failed') error ??= fromFailedMessage(message);
      const isWanted = signal?.aborted !== true && child.pid !== undefined;
      if (message?.kind === 'mounted' && isWanted) {
        settle({ kind: 'mounted', pid: child.pid, payload: message.payload });
      }
    });
    child.on('error', (cause) => {
      error ??= new BundleError('mount-failed', `Cannot start the daemon: ${describeError(cause)}`, {
        cause,
      });
      if (child.pid === undefined) settle({ kind: 'failed', error });
    });
    child.on('close', (code, exitSignal) => {
      const status = exitSignal === null ? `it ended with status ${code}` : `it was ended by ${exitSignal}`;
      settle(error === undefined ? { kind: 'ended', status } : { kind: 'failed', error });
    });
  });
}

async function describeEnd(
  status: string,
  logPath: string,
  log: FileHandle,
  logStart: number,
): Promise<BundleError> {
  const tail = await readTail(log, logStart);
  return new BundleError('mount-failed', `Cannot start the daemon: ${status} before the mount was there`, {
    hint: [`Its log is "${logPath}"`, ...(tail === '' ? [] : tail.split('\n'))],
  });
}

async function openLog(path: string): Promise<FileHandle> {
  try {
    const handle = await openOwnFile(path, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT);
    if (handle !== undefined) return handle;
  } catch (error) {
    throw new BundleError('mount-failed', `Cannot open the log "${path}": ${describeError(error)}`, {
      cause: error,
    });
  }
  throw new BundleError('mount-failed', `Cannot open the log "${path}": its folder is gone`);
}

/** What was written to the log from `start` on, its end where it is long. */
async function readTail(log: FileHandle, start: number): Promise<string> {
  const { size } = await log.stat();
  const position = Math.max(start, size - logTailSize);
  const { buffer, bytesRead } = await log.read(Buffer.alloc(Math.max(0, size - position)), { position });
  return buffer.toString('utf8', 0, bytesRead).trim();
}
