/** What `bundlefs log` does. */
import { type FileHandle, watch } from '../../../disk/named-files.ts';
import { basename, dirname, resolve } from 'node:path';
import { findOwnFile, openOwnFile } from '../../../disk/own/own-files.ts';
import { BundleError, describeError, isBundleError } from '../../../ground/errors.ts';
import { type FoundMount, getMount } from '../../../mount/control/find-mounts.ts';
import { logPathOf } from '../../../mount/control/mount-places.ts';
import { printLines } from '../../../ground/print.ts';

export interface RunLogOptions {
  readonly lineCount: number;
  readonly isFollowing: boolean;
  readonly signal: AbortSignal;
}

/** What is looked at for the last lines; what they say before is cut off. */
const tailSize = 4 * 1024 * 1024;

/** Prints the last lines of the log of the mount at `path`, and where wanted those that follow. */
export async function runLog(
  path: string | undefined,
  { lineCount, isFollowing, signal }: RunLogOptions,
): Promise<void> {
  const logPath = await getLogPath(path, signal);
  await using log = await openLog(logPath);
  const { size } = await log.stat();
  const start = Math.max(0, size - tailSize);
  const lines = (await readFrom(log, start, size)).toString('utf8').split('\n').slice(0, -1);
  const shown = lineCount === 0 ? [] : lines.slice(-lineCount);
  printLines(shown);
  if (isFollowing) await follow(log, logPath, size, signal);
}

async function getLogPath(path: string | undefined, signal: AbortSignal): Promise<string> {
  let mount: FoundMount;
  try {
    mount = await getMount(path, process.env, signal);
  } catch (error) {
    // One that has ended well is known no more, but its log is kept.
    const kept = path === undefined ? undefined : logPathOf(resolve(path), process.env);
    if (kept === undefined || !isBundleError(error, 'not-mounted') || !(await isThere(kept))) throw error;
    return kept;
  }
  const { mountPoint, record } = mount;
  const logPath = record === undefined ? logPathOf(mountPoint, process.env) : record.logPath;
  if (logPath !== undefined) return logPath;
  throw new BundleError(
    'invalid-argument',
    `Cannot show the log of "${mountPoint}": it is served in the foreground`,
    {
      hint: 'It writes to standard error; where systemd started it: journalctl -u UNIT, or journalctl --user -u UNIT.',
    },
  );
}

function isThere(path: string): Promise<boolean> {
  return findOwnFile(path).then(
    (info) => info !== undefined,
    () => true, // what it is instead is told when it is opened
  );
}

/** Prints what is added, until the signal: being stopped is how this ends, and no failure. */
async function follow(log: FileHandle, path: string, start: number, signal: AbortSignal): Promise<void> {
  let position = start;
  let begun = Buffer.alloc(0); // a line whose end is not written yet
  const printNew = async (): Promise<void> => {
    const { size } = await log.stat();
    if (size <= position) return;
    const added = Buffer.concat([begun, await readFrom(log, position, size)]);
    position = size;
    const end = added.lastIndexOf('\n') + 1;
    begun = added.subarray(end);
    if (end > 0) printLines(added.toString('utf8', 0, end - 1).split('\n'));
  };
  const abort = new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => {
      resolve();
    });
  });
  let work = printNew();
  const watcher = watch(dirname(path), (_event, name) => {
    if (name === basename(path)) work = work.then(printNew);
  });
  await abort;
  watcher.close();
  await work;
}

async function readFrom(log: FileHandle, start: number, end: number): Promise<Buffer> {
  const { buffer, bytesRead } = await log.read(Buffer.alloc(end - start), { position: start });
  return buffer.subarray(0, bytesRead);
}

async function openLog(path: string): Promise<FileHandle> {
  const failed = (found: string, cause?: unknown): BundleError =>
    new BundleError('mount-failed', `Cannot read the log "${path}": ${found}`, { cause });
  const log = await openOwnFile(path).catch((error: unknown) => {
    throw failed(describeError(error), error);
  });
  if (log === undefined) throw failed('there is none');
  return log;
}
