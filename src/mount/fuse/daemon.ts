/** The background side of a mount: a process of its own that serves it until it is unmounted or told to end. */
import { rm, writeFile } from 'node:fs/promises';

import { BundleError, stackLines } from '../../ground/errors.ts';
import { warnLines } from '../../ground/print.ts';
import { toFailedMessage, type DaemonMessage } from './daemon-message.ts';
import type { BundleMount } from './served-mount.ts';
import { serveMount } from './serve-mount.ts';

export interface StartedMount<Payload> {
  readonly mount: BundleMount;
  /** What the process that started this one is told, as JSON. */
  readonly payload: Payload;
  /** Called when the mount has ended. Must not reject. */
  readonly close?: () => Promise<void>;
}

export interface RunDaemonOptions {
  /** Where to write this process's id while the mount is there. */
  readonly pidPath?: string;
  /** How long to serve files that are open when told to end; see UnmountOptions. */
  readonly drainTimeoutMs?: number;
  /** Told of everything that goes wrong; logError where absent. */
  readonly onError?: (error: unknown) => void;
}

/**
 * Makes a mount with `start`, tells the process that started this one (see startDaemon), serves the mount and returns
 * the exit status to end with, by process.exit: 0, or 1 where it failed. SIGTERM, SIGINT and SIGHUP end it, giving open
 * files time; a second signal gives none. What nobody caught detaches the mount and is status 1. Errors go to the
 * starter while it listens and to stderr, the log. `start` must end when its signal is aborted; all paths it
 * keeps must be absolute, for the working folder becomes `/` when the mount is there.
 */
export async function runDaemon<Payload>(
  start: (signal: AbortSignal) => Promise<StartedMount<Payload>>,
  options: RunDaemonOptions = {},
): Promise<0 | 1> {
  const { pidPath, onError = logError, ...serveOptions } = options;
  const ending = new AbortController();
  const hurry = new AbortController();
  const fate: { failed: boolean } = { failed: false };

  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (ending.signal.aborted) hurry.abort();
      ending.abort(new BundleError('interrupted', `Stopped by ${name}`));
    });
  }
  const crash = (error: unknown): void => {
    fate.failed = true;
    onError(error);
    ending.abort(error);
    hurry.abort();
  };
  process.on('uncaughtException', crash);
  process.on('unhandledRejection', crash);
  const orphaned = (): void => {
    // Nobody would learn of this mount: whoever asked for it is gone.
    ending.abort(new BundleError('interrupted', 'Stopped: the process that wanted the mount has ended'));
  };
  process.on('disconnect', orphaned);
  if (process.send !== undefined && !process.connected) orphaned();

  let started: StartedMount<Payload>;
  try {
    ending.signal.throwIfAborted();
    started = await start(ending.signal);
  } catch (error) {
    onError(error);
    await tell(toFailedMessage(error));
    return 1;
  }
  try {
    process.chdir('/'); // or the folder it was started in could not be unmounted
    if (pidPath !== undefined) await writeFile(pidPath, `${process.pid}\n`);
    process.off('disconnect', orphaned); // it comes next, in answer to this message
    if (!(await tell({ kind: 'mounted', payload: started.payload }))) orphaned();
    await serveMount(started.mount, { ...serveOptions, signal: ending.signal, hurrySignal: hurry.signal });
  } catch (error) {
    fate.failed = true;
    onError(error);
    await started.mount.unmount({ drainTimeoutMs: 0 }).catch((unmountError: unknown) => {
      onError(unmountError);
    });
  }
  await started.close?.();
  if (pidPath !== undefined) await rm(pidPath, { force: true });
  return fate.failed ? 1 : 0;
}

/** The text that startDaemon was given as its order. Throws the signal's reason where that is aborted before. */
export function receiveOrder(signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => {
      reject(signal.reason as Error);
    };
    if (signal.aborted) giveUp();
    signal.addEventListener('abort', giveUp);
    process.once('message', (text) => {
      signal.removeEventListener('abort', giveUp);
      resolve(String(text));
    });
  });
}

/** Whether the message could be sent; true too where nobody started this process to be told. */
function tell(message: DaemonMessage): Promise<boolean> {
  return new Promise((resolve) => {
    if (process.send === undefined) resolve(true);
    else {
      process.send(message, undefined, {}, (error) => {
        resolve(error === null);
      });
    }
  });
}

/** Writes an error to stderr, the daemon's log; for mountBundle's onError too, which names the path asked for. */
export function logError(error: unknown, path?: string): void {
  const [first = '', ...stack] = stackLines(error);
  warnLines([`${new Date().toISOString()} ${path === undefined ? '' : `${path}: `}${first}`, ...stack]);
}
