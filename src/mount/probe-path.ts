/** Looks at a path that may lead into a mount nobody answers for. */
import { execFile } from 'node:child_process';

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
 * Follows `path` and looks at what is there, in another process: where a file system does not answer, whoever asks may
 * never return and cannot even be killed, and in this process would keep it from ending.
 */
export function probePath(path: string, options: ProbePathOptions = {}): Promise<PathProbe> {
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
