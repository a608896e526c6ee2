/** What a worker, the process that makes the next generation, tells the daemon. */
import * as z from 'zod';
import type { BundleError } from '../../ground/errors.ts';
import { fromFailedMessage, toFailedMessage, type DaemonMessage } from '../fuse/daemon-message.ts';
import { isErrorCode } from '../fuse/errno-of.ts';
import { progressSchema, type RefreshProgress } from '../control/status.ts';

const preparedSchema = z.object({
  /** Digest of the recipe, which the cache has with the digest of its bundle. */
  recipe: z.string(),
  /** Stored bytes. */
  encodedSize: z.int().nonnegative(),
  reusedSize: z.int().nonnegative(),
  encodedBlockCount: z.int().nonnegative(),
  reusedBlockCount: z.int().nonnegative(),
  /** The files that say which images these are: when one changes, it is time to look again. */
  files: z.array(z.string()),
  /** What is printed of it where it is mounted first: for machines, and for people. */
  report: z.record(z.string(), z.unknown()),
  summary: z.string(),
});

const messageSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('note'), text: z.string() }),
  z.object({ kind: z.literal('progress'), progress: progressSchema }),
  z.object({ kind: z.literal('prepared'), prepared: preparedSchema }),
  z.object({ kind: z.literal('failed'), code: z.string(), message: z.string(), hint: z.string().optional() }),
]);

/** A generation that is ready to be opened. */
export type PreparedGeneration = z.infer<typeof preparedSchema>;

export type WorkerMessage =
  /** For the log. */
  | { readonly kind: 'note'; readonly text: string }
  | { readonly kind: 'progress'; readonly progress: RefreshProgress }
  | { readonly kind: 'prepared'; readonly prepared: PreparedGeneration }
  | (DaemonMessage & { readonly kind: 'failed' });

/** The message for anything thrown in a worker. */
export function toWorkerFailure(error: unknown): WorkerMessage {
  const message = toFailedMessage(error);
  if (message.kind !== 'failed') throw new TypeError('A failure became another message');
  return message;
}

/** What came through the channel: a message, or undefined where it is none. */
export function findWorkerMessage(received: unknown): WorkerMessage | undefined {
  const result = messageSchema.safeParse(received);
  if (!result.success) return undefined;
  const { data } = result;
  if (data.kind !== 'failed') return data;
  return isErrorCode(data.code) ? { ...data, code: data.code, hint: data.hint } : undefined;
}

/** The error of a worker that said why it failed. */
export function workerError(message: WorkerMessage & { readonly kind: 'failed' }): BundleError {
  return fromFailedMessage(message);
}
