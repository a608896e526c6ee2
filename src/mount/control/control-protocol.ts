/** What is said over a control socket: one JSON object a line. One request a connection, then answers up to its end. */
import * as z from 'zod';
import { progressSchema, refreshSchema, statusSchema } from './status.ts';

/** Of the protocol. A daemon answers requests of its own version only; an update of bundlefs may find an older one. */
export const protocolVersion = 1;

/** No request is longer. */
export const longestRequest = 64 * 1024;

export const requestSchema = z.object({
  version: z.literal(protocolVersion),
  request: z.enum(['status', 'refresh']),
});

export const answerSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('status'), status: statusSchema }),
  z.object({ kind: z.literal('progress'), progress: progressSchema }),
  z.object({ kind: z.literal('refreshed'), refresh: refreshSchema }),
  z.object({ kind: z.literal('failed'), message: z.string() }),
]);

export type ControlRequest = z.infer<typeof requestSchema>;
export type ControlAnswer = z.infer<typeof answerSchema>;
