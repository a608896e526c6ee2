/** What an engine says of itself. */
import * as z from 'zod';
import type { EngineConnection } from './engine-connection.ts';

export interface EngineFacts {
  /** `28.5.2`. */
  readonly version: string;
  /** Of its store: `overlay2`, `overlayfs`, `vfs`. */
  readonly driver: string;
  /** undefined where it does not tell. */
  readonly hasContainerdStore: boolean | undefined;
  /** Its clock, in Unix milliseconds, where it tells. */
  readonly timeMs: number | undefined;
}

export interface AskEngineFactsOptions {
  readonly signal?: AbortSignal;
}

const infoSchema = z.object({
  ServerVersion: z.string().optional(),
  Driver: z.string().optional(),
  DriverStatus: z.array(z.array(z.string())).nullish(),
  SystemTime: z.string().optional(),
});

/** Nothing is known where a proxy denies the question: those for sockets do unless they are told otherwise. Throws source-failed, and the signal's reason. */
export async function askEngineFacts(
  connection: EngineConnection,
  options: AskEngineFactsOptions = {},
): Promise<EngineFacts> {
  const request = { what: 'ask about its storage', path: '/info', isOptional: true, ...options };
  const found = await connection.findJson(request, infoSchema);
  const timeMs = Date.parse(found?.SystemTime ?? '');
  return {
    version: found?.ServerVersion ?? 'of an unknown version',
    driver: found?.Driver ?? 'unknown',
    hasContainerdStore:
      found && (found.DriverStatus ?? []).some((pair) => pair[1] === 'io.containerd.snapshotter.v1'),
    timeMs: Number.isNaN(timeMs) ? undefined : timeMs,
  };
}
