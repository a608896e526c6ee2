/** What a daemon tells the process that started it. */
import { BundleError, describeError, hintLines, isBundleError, type ErrorCode } from '../../ground/errors.ts';
import { findSystemError, findSystemHint } from '../../ground/system-error.ts';
import { isErrorCode } from './errno-of.ts';

export type DaemonMessage =
  | { readonly kind: 'mounted'; readonly payload: unknown }
  | {
      readonly kind: 'failed';
      readonly code: ErrorCode;
      readonly message: string;
      readonly hint: string | undefined;
    };

/** The message for a failure before the mount was ready. */
export function toFailedMessage(error: unknown): DaemonMessage {
  const known = isBundleError(error) ? error : findSystemError(error);
  return known === undefined
    ? { kind: 'failed', code: 'mount-failed', message: describeError(error), hint: undefined }
    : { kind: 'failed', code: known.code, message: known.message, hint: known.hint ?? findSystemHint(known) };
}

/** The error that a failed message tells of. */
export function fromFailedMessage(failed: DaemonMessage & { kind: 'failed' }): BundleError {
  return new BundleError(failed.code, failed.message, { hint: hintLines(failed) });
}

/** The message in what came through the channel, or undefined where it is none. */
export function findDaemonMessage(received: unknown): DaemonMessage | undefined {
  if (typeof received !== 'object' || received === null || !('kind' in received)) return undefined;
  if (received.kind === 'mounted') {
    return { kind: 'mounted', payload: 'payload' in received ? received.payload : undefined };
  }
  if (received.kind !== 'failed' || !('code' in received) || !isErrorCode(received.code)) return undefined;
  const message = 'message' in received ? String(received.message) : '';
  const hint = 'hint' in received && typeof received.hint === 'string' ? received.hint : undefined;
  return { kind: 'failed', code: received.code, message, hint };
}
