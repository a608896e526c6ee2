/** Notices that an engine's images change, for as long as wanted, through restarts of the engine. */
import * as z from 'zod';
import { BundleError, describeError, isBundleError } from '../../ground/errors.ts';
import { checkAnswer, connectEngine, type EngineConnection } from './talk/engine-connection.ts';
import { findEngineEndpoint } from './talk/engine-endpoint.ts';
import { parseAnswer } from './talk/read-answer.ts';

export type EngineState =
  | { readonly state: 'connecting' }
  | { readonly state: 'connected'; readonly description: string }
  | { readonly state: 'away'; readonly reason: string };

export interface WatchEngineOptions {
  /** As of OpenEngineSourceOptions. */
  readonly host?: string;
  /** The engine's images may be others now; `reason` says why this is thought. */
  readonly onChange: (reason: string) => void;
  readonly onState: (state: EngineState) => void;
  /** Aborted to end it. */
  readonly signal: AbortSignal;
  readonly shortestWaitMs?: number;
  readonly longestWaitMs?: number;
}

/** A line of `/events`; podman's answers have more types than were asked for. */
const eventSchema = z.object({ Type: z.string(), Action: z.string() });

/** They leave the images as they are. `save` is among them, and comes from every build of a bundle. */
const harmlessActions = new Set(['save', 'push', 'mount', 'unmount']);

const request = {
  what: 'follow the events',
  path: '/events',
  query: { filters: JSON.stringify({ type: ['image'] }) },
};

/** No line of an engine is that long. */
const longestLine = 1024 * 1024;

/**
 * Watches an engine until `signal` is aborted, and then returns. Each time that the engine can be reached (again),
 * `onChange` is called, for nobody knows what was missed. Tries again and again, waiting longer each time.
 */
export async function watchEngine(options: WatchEngineOptions): Promise<void> {
  const { onState, signal, shortestWaitMs = 500, longestWaitMs = 10_000 } = options;
  const isWanted = (): boolean => !signal.aborted;
  let waitMs = shortestWaitMs;
  while (isWanted()) {
    onState({ state: 'connecting' });
    const startMs = performance.now();
    try {
      await followEvents(options);
    } catch (error) {
      if (!isWanted()) return;
      onState({ state: 'away', reason: explain(error) });
    }
    if (performance.now() - startMs > longestWaitMs) waitMs = shortestWaitMs;
    await wait(waitMs, signal);
    waitMs = Math.min(longestWaitMs, waitMs * 2);
  }
}

/** Returns never, throws when the connection is gone. */
async function followEvents({ host, onChange, onState, signal }: WatchEngineOptions): Promise<void> {
  const endpoint = await findEngineEndpoint({ host });
  const connection = await connectEngine(endpoint, { signal });
  try {
    const answer = await connection.send({ ...request, signal });
    await checkAnswer(connection, request, answer);
    onState({ state: 'connected', description: connection.description });
    onChange('the engine can be reached');
    for await (const line of readLines(answer.body)) {
      const { Type, Action } = parseAnswer(line, eventSchema);
      if (Type === 'image' && !harmlessActions.has(Action)) onChange(`image event: ${Action}`);
    }
    throw hungUp(connection);
  } finally {
    connection.close();
  }
}

async function* readLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, undefined> {
  let rest = '';
  for await (const chunk of body) {
    const lines = (rest + Buffer.from(chunk).toString('latin1')).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > longestLine) throw new Error('its events have no end');
    yield* lines.filter((line) => line.trim() !== '');
  }
}

/** In one line: where something denies the events, its setting is what there is to know. */
function explain(error: unknown): string {
  const hint = isBundleError(error, 'access-denied') ? error.hint : undefined;
  return hint === undefined ? describeError(error) : `${describeError(error)}. ${hint}`;
}

function hungUp({ description }: EngineConnection): BundleError {
  return new BundleError('source-unreachable', `Cannot follow ${description}: it hung up`);
}

function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
  });
}
