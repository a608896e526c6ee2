/** Runs the program as a user does: bin/bundlefs in a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { findErrno } from '../../src/ground/errors.ts';

export const programPath = fileURLToPath(new URL('../../bin/bundlefs', import.meta.url));

export interface RunCliOptions {
  readonly cache?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What the program reads from standard input; nothing where left out. */
  readonly input?: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
  /** Gets the process as soon as it has started: to kill it, for one. */
  readonly onStart?: (child: ChildProcess) => void;
  /** A test that needs longer than this has a program that hangs. */
  readonly timeoutMs?: number;
}

export interface CliResult {
  /** Exit status, or the name of the signal that ended it. */
  readonly status: number | string;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Runs it to its end. Rejects only where it cannot be started, or where Node finds that it forgets listeners. */
export async function runCli(args: readonly string[], options: RunCliOptions = {}): Promise<CliResult> {
  const { cache, env, input, onStart, timeoutMs = 60_000 } = options;
  const child = spawn(programPath, [...args], {
    env: { ...process.env, ...(cache !== undefined && { BUNDLEFS_CACHE: cache }), ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  });
  onStart?.(child);
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  void writeInput(child, input ?? []);
  const status = await new Promise<number | string>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      resolve(code ?? signal ?? 'unknown');
    });
  });
  const said = Buffer.concat(stderr).toString();
  if (said.includes('MaxListenersExceededWarning')) throw new Error(said);
  return { status, stdout: Buffer.concat(stdout), stderr: said };
}

/** The same, for a run that must succeed: throws with what it said where it does not. */
export async function runCliOk(args: readonly string[], options: RunCliOptions = {}): Promise<CliResult> {
  const result = await runCli(args, options);
  if (result.status !== 0) {
    throw new Error(`bundlefs ${args.join(' ')} ended with ${result.status}: ${result.stderr}`);
  }
  return result;
}

async function writeInput(child: ChildProcess, input: NonNullable<RunCliOptions['input']>): Promise<void> {
  if (child.stdin === null) return;
  try {
    await pipeline(Readable.from(input), child.stdin);
  } catch (error) {
    // The program need not read it to the end.
    if (!['EPIPE', 'ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE'].includes(findErrno(error) ?? '')) throw error;
  }
}
