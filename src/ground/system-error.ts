/** What the system says against something, as an error that says what was being done, to which file, and what helps. */
import { BundleError, findErrno } from './errors.ts';

interface Explanation {
  readonly reason: string;
  readonly hint?: string;
}

const full = { reason: 'no space is left on its disk', hint: 'Make room there, and run it again.' };
const denied = { reason: 'permission denied' };

/** Of the errnos that are more than a file that is not there. */
const explanations: Readonly<Record<string, Explanation>> = {
  EMFILE: {
    reason: 'too many files are open in this process',
    hint: 'Let it have more: ulimit -n 4096. See what the limit is: ulimit -n',
  },
  ENFILE: { reason: 'too many files are open on this machine', hint: 'See: sysctl fs.file-max fs.file-nr' },
  ENOMEM: { reason: 'there is no memory left for it', hint: 'See: free -h; ulimit -v' },
  EAGAIN: {
    reason: 'the system has no more of it at the moment, such as processes',
    hint: 'See: ulimit -u; free -h',
  },
  EIO: {
    reason: 'its device reports an error',
    hint: 'See: dmesg. The disk, or the link to it, may be failing.',
  },
  ENOSPC: full,
  EDQUOT: full,
  ENOLCK: { reason: 'its file system has no locks' },
  EROFS: { reason: 'its file system is read-only' },
  EACCES: denied,
  EPERM: denied,
  ENOENT: { reason: 'there is no such file or folder' },
};

/** What was being done, by the name of the system call, behind "Cannot". */
const verbs: Readonly<Record<string, string>> = {
  open: 'open',
  openat: 'open',
  read: 'read',
  scandir: 'read the folder',
  opendir: 'read the folder',
  stat: 'look at',
  lstat: 'look at',
  fstat: 'look at',
  statfs: 'look at the disk of',
  access: 'look at',
  readlink: 'read the link',
  realpath: 'find',
  write: 'write',
  fsync: 'write',
  ftruncate: 'write',
  close: 'write',
  mkdir: 'make the folder',
  mkdtemp: 'make a folder like',
  rename: 'rename',
  unlink: 'remove',
  rm: 'remove',
  rmdir: 'remove',
  chmod: 'change the mode of',
  fchmod: 'change the mode of',
  utime: 'change the times of',
  futime: 'change the times of',
  connect: 'connect to',
  flock: 'lock',
  chdir: 'go to the folder',
};

/**
 * The error for what the system said, where `error` is that and nobody has put it into words before: system-failed.
 * undefined for everything else.
 */
export function findSystemError(error: unknown): BundleError | undefined {
  const errno = findSystemErrno(error);
  if (errno === undefined || !(error instanceof Error)) return undefined;
  const { reason = error.message, hint } = explanations[errno] ?? {};
  const { syscall = '', path } = error as NodeJS.ErrnoException;
  const [call = '', program = ''] = syscall.split(' ');
  const doing =
    call === 'spawn'
      ? `start the program "${program}"`
      : path === undefined
        ? `go on${syscall === '' ? '' : ` (${syscall})`}`
        : `${verbs[call] ?? 'use'} "${path}"`;
  return new BundleError('system-failed', `Cannot ${doing}: ${reason} (${errno})`, {
    cause: error,
    hint,
  });
}

/** What helps where the system had no more files, memory or processes, somewhere below `error`. */
export function findSystemHint(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const errno = findSystemErrno(cause);
    if (errno !== undefined) return explanations[errno]?.hint;
  }
  return undefined;
}

/** Runs `action`, whose errors of the system may not say that they are of the file at `path`: then they do. */
export async function withPath<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof Error && findSystemErrno(error) !== undefined) {
      (error as NodeJS.ErrnoException).path ??= path;
    }
    throw error;
  }
}

/** Node's own codes (ERR_…, ABORT_ERR, Z_…) are not the system's, but for memory that it did not get. */
function findSystemErrno(error: unknown): string | undefined {
  const code = findErrno(error) ?? '';
  if (code === 'ERR_MEMORY_ALLOCATION_FAILED') return 'ENOMEM';
  if (error instanceof RangeError && /allocation failed/i.test(error.message)) return 'ENOMEM';
  return /^E[A-Z0-9]+$/.test(code) ? code : undefined;
}
