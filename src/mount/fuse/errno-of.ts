/** What a reader of the mount is told when a request fails: the one translation from errors to errnos. */
import { constants } from 'node:os';

import { findErrno, isBundleError, type ErrorCode } from '../../ground/errors.ts';

const { errno } = constants;

/** The errno for each code. Most cannot come up while a mount is read; whatever does and is not named here is EIO. */
const errnos = {
  'invalid-argument': errno.EINVAL,
  'invalid-reference': errno.EINVAL,
  'image-not-found': errno.ENOENT,
  'selection-invalid': errno.EINVAL,
  'terminal-output': errno.EINVAL,
  'source-unreachable': errno.EIO,
  'source-failed': errno.EIO,
  'access-denied': errno.EIO,
  'archive-not-found': errno.EIO,
  'archive-empty': errno.EIO,
  'archive-truncated': errno.EIO,
  'archive-corrupt': errno.EIO,
  'archive-unsupported': errno.EIO,
  'image-unsupported': errno.EIO,
  'config-missing': errno.EIO,
  'config-corrupt': errno.EIO,
  'config-mismatch': errno.EIO,
  'layer-missing': errno.EIO,
  'layer-mismatch': errno.EIO,
  'xz-corrupt': errno.EIO,
  'xz-truncated': errno.EIO,
  'xz-unsupported': errno.EIO,
  'cache-full': errno.ENOSPC,
  'cache-read-only': errno.EIO,
  'cache-failed': errno.EIO,
  'block-missing': errno.EIO,
  'block-corrupt': errno.EIO,
  'encode-failed': errno.EIO,
  'output-failed': errno.EIO,
  'output-full': errno.ENOSPC,
  'output-corrupt': errno.EIO,
  'bundle-corrupt': errno.EIO,
  'load-failed': errno.EIO,
  'push-failed': errno.EIO,
  'mount-point-invalid': errno.EIO,
  'mount-point-busy': errno.EBUSY,
  'mount-unavailable': errno.EIO,
  'mount-failed': errno.EIO,
  'not-mounted': errno.ENOTCONN,
  'addon-unavailable': errno.EIO,
  'system-failed': errno.EIO,
  interrupted: errno.EINTR,
} satisfies Record<ErrorCode, number>;

/**
 * System errors that mean the same to the reader as to the daemon. Others do not: the ENOENT of a lost block is not the
 * reader's file being absent.
 */
const sharedErrnos = new Map<string, number>([
  ['EMFILE', errno.EMFILE],
  ['ENFILE', errno.ENFILE],
  ['ENOMEM', errno.ENOMEM],
]);

/** An errno by name, as FUSE wants it: negative. */
export function errnoNamed(name: keyof typeof errno): number {
  return -errno[name];
}

/** The errno for anything thrown, as FUSE wants it: negative. */
export function errnoOf(error: unknown): number {
  if (isBundleError(error)) return -errnos[error.code];
  return -(sharedErrnos.get(findErrno(error) ?? '') ?? errno.EIO);
}

/** Whether `code` is one of the codes of BundleError, for one that comes from another process. */
export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(errnos, code);
}
