/** The exit status of every error code; the README lists what they mean. */
import type { ErrorCode } from '../errors.ts';

export const exitStatus = {
  'invalid-argument': 2,
  'invalid-reference': 2,
  'selection-invalid': 2,
  'terminal-output': 2,
  'image-not-found': 3,
  'source-unreachable': 4,
  'source-failed': 4,
  'archive-not-found': 5,
  'archive-empty': 5,
  'archive-truncated': 5,
  'archive-corrupt': 5,
  'archive-unsupported': 5,
  'config-missing': 5,
  'config-mismatch': 5,
  'layer-missing': 5,
  'layer-mismatch': 5,
  'xz-corrupt': 5,
  'xz-truncated': 5,
  'xz-unsupported': 5,
  'bundle-corrupt': 5,
  'cache-full': 6,
  'cache-read-only': 6,
  'cache-failed': 6,
  'block-missing': 6,
  'block-corrupt': 6,
  'encode-failed': 6,
  'output-failed': 7,
  'output-full': 7,
  'load-failed': 7,
  'mount-point-invalid': 8,
  'mount-point-busy': 8,
  'mount-unavailable': 8,
  'mount-failed': 8,
  'not-mounted': 8,
  'addon-unavailable': 9,
  interrupted: 130,
} as const satisfies Record<ErrorCode, number>;

/** Of anything that is not a BundleError: a fault of the program itself. */
export const unexpectedStatus = 1;
