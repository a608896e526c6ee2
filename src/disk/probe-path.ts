/** Looks at a path that may lead into a mount nobody answers for. */
import { execFile } from 'node:child_process';
import { opendir, realpath, stat } from 'node:fs/promises';
import { findErrno } from '../ground/errors.ts';
import { isLocalPath } from './is-local-path.ts';

/** What is found at a path. */
export type PathProbe =
  | {
      readonly kind: 'folder';
      /** Absolute, without symbolic links. */
      readonly realPath: string;
      readonly isEmpty: boolean;
    }
  | { readonly kind: 'other'; readonly realPath: string }
  /** Looking failed with this errno (`ENOENT`, `ENOTCONN`, …). */
  | { readonly kind: 'failed'; readonly code: string; readonly realPath: string | undefined }
  /** Nothing was found out in time: a file system does not answer. */
  | { readonly kind: 'hung' };

export interface ProbePathOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

const script = `
  const { opendirSync, realpathSync, statSync } = require('node:fs');
  const found = {};
  try {
    const path = process.argv[1];
    found.realPath = realpathSync.native(path);
    found.kind = statSync(path).isDirectory() ? 'folder' : 'other';
    if (found.kind === 'folder') {
      const folder = opendirSync(path);
      found.isEmpty = folder.readSync() === null;
      folder.closeSync();
    }
  } catch (error) {
    found.kind = 'failed';
    found.code = error.code;
  }
  process.stdout.write(JSON.stringify(found));
`;

/**
 * Follows `path`, which is absolute, and looks at what is there: in another process, unless that takes no more than the
 * kernel. Where a file system does not answer, whoever asks may never return and cannot even be killed.
 */
export async function probePath(path: string, options: ProbePathOptions = {}): Promise<PathProbe> {
  if (await isLocalPath(path)) return await probeHere(path);
  return await probeElsewhere(path, options);
}

/** What `script` does. */
async function probeHere(path: string): Promise<PathProbe> {
  let realPath: string | undefined;
  try {
    realPath = await realpath(path);
    if (!(await stat(path)).isDirectory()) return { kind: 'other', realPath };
    const folder = await opendir(path);
    try {
      return { kind: 'folder', realPath, isEmpty: (await folder.read()) === null };
    } finally {
      await folder.close();
    }
  } catch (error) {
    const code = findErrno(error);
    if (code === undefined) throw error;
    return { kind: 'failed', code, realPath };
  }
}

function probeElsewhere(path: string, options: ProbePathOptions): Promise<PathProbe> {
  const { timeoutMs = 5000, signal } = options;
  return new Promise((resolve, reject) => {
    const env = { ...process.env, NODE_OPTIONS: '' };
    const child = execFile(process.execPath, ['-e', script, path], { cwd: '/', env }, (error, stdout) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', giveUp);
      if (signal?.aborted === true) reject(toError(signal.reason));
      else if (stdout === '') reject(toError(error));
      else resolve(JSON.parse(stdout) as PathProbe);
    });
    const giveUp = (): void => {
      child.kill('SIGKILL');
      child.unref();
      child.stdout?.destroy();
      child.stderr?.destroy();
      if (signal?.aborted === true) reject(toError(signal.reason));
      else resolve({ kind: 'hung' });
    };
    const timer = setTimeout(giveUp, timeoutMs);
    signal?.addEventListener('abort', giveUp);
  });
}

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('the process that looks at the path gave no answer');
}
