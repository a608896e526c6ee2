/** Lets the n-th call of a kind fail in a program that is run: with the shim beside it, which is compiled for that. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type CliResult, runCli } from '../support/run-cli.ts';

export type FaultCall = 'open' | 'read' | 'write' | 'sync' | 'list' | 'mkdir' | 'rename' | OtherCall;
type OtherCall = 'stat' | 'unlink' | 'mode' | 'size' | 'lock' | 'space' | 'socket';
export type FaultErrno = 'EIO' | 'EACCES' | 'EMFILE' | 'ENOMEM' | 'ENOSPC' | 'EPERM' | 'ENOLCK';

export interface Fault {
  readonly call: FaultCall;
  readonly errno: FaultErrno;
  /** Which of these calls fails, from 1. */
  readonly nth: number;
  /** Folders and files, by how their absolute paths start. */
  readonly below: readonly string[];
}

export interface FaultyRun extends CliResult {
  /** The path that the call was about which failed; undefined where there were not so many. */
  readonly failed: string | undefined;
}

/** What the system says where it has no room is said of writing, and so on. */
export const errnosOf: Readonly<Record<FaultCall, readonly FaultErrno[]>> = {
  open: ['EIO', 'EACCES', 'EMFILE', 'ENOMEM', 'ENOSPC'],
  read: ['EIO', 'ENOMEM'],
  write: ['EIO', 'ENOSPC', 'ENOMEM'],
  sync: ['EIO', 'ENOSPC'],
  list: ['EIO', 'EACCES', 'EMFILE', 'ENOMEM'],
  mkdir: ['EIO', 'EACCES', 'ENOSPC'],
  rename: ['EIO', 'EACCES', 'ENOSPC'],
  stat: ['EIO', 'EACCES', 'ENOMEM'],
  unlink: ['EIO', 'EACCES'],
  mode: ['EIO', 'EPERM'],
  size: ['EIO', 'ENOSPC'],
  lock: ['ENOLCK', 'EIO'],
  space: ['EIO', 'EACCES'],
  socket: ['EACCES', 'ENOMEM'],
};

/** Compiles the shim in `folder` and returns its path. */
export function compileShim(folder: string): string {
  const source = join(dirname(fileURLToPath(import.meta.url)), 'fault-shim.c');
  const path = join(folder, 'fault-shim.so');
  execFileSync('cc', ['-shared', '-fPIC', '-O1', '-w', '-o', path, source, '-ldl']);
  return path;
}

/** Runs the program with `args` in which `fault` happens. */
export async function runWithFault(
  shim: string,
  args: readonly string[],
  { call, errno, nth, below }: Fault,
  env: Readonly<Record<string, string>> = {},
): Promise<FaultyRun> {
  const log = `${shim}.log`;
  await rm(log, { force: true });
  const result = await runCli(args, {
    timeoutMs: 30_000,
    env: {
      LD_PRELOAD: shim,
      FAULT_CALL: call,
      FAULT_ERRNO: String(constants.errno[errno]),
      FAULT_NTH: String(nth),
      FAULT_BELOW: below.join(':'),
      FAULT_LOG: log,
      ...env,
    },
  });
  return { ...result, failed: findFailed(shim) };
}

/** The paths that calls were about which have failed since the last run began; undefined where none has. */
export function findFailed(shim: string): string | undefined {
  const log = `${shim}.log`;
  return existsSync(log) ? readFileSync(log, 'utf8').trim().replaceAll('\n', ' ') : undefined;
}

/** What is wrong with how a run ended in which something failed; undefined where it is as docs/errors.md says. */
export function findFaultyEnd(
  { status, stderr, failed }: FaultyRun,
  names: readonly string[],
): string | undefined {
  if (status === 0) return undefined; // it did without
  if (typeof status === 'string') return `it was ended by ${status}`;
  if (![4, 5, 6, 7, 8, 9].includes(status)) return `it ended with status ${status}`;
  if (/^\s+at /m.test(stderr) || stderr.includes('This is a fault of bundlefs')) return 'it shows its stack';
  const said = stderr.split('\n').filter((line) => line.startsWith('bundlefs: '));
  if (said.length === 0) return 'it says nothing';
  if (stderr.includes('/proc/self/fd/')) return 'it names a file by a number';
  if (stderr.includes('Unknown system error')) return 'it does not know what the system said';
  const isNamed = [...names, ...(failed?.split(' ') ?? []), 'Cannot start'].some((name) =>
    said.some((line) => line.includes(name)),
  );
  return isNamed ? undefined : 'it names no file';
}
