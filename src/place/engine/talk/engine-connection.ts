/** A connection to a Docker engine, with the version of the API agreed. */
import type * as z from 'zod';
import { chooseVersion } from './api-version.ts';
import {
  createAgent,
  dialEngine,
  type EngineAnswer,
  type EngineLine,
  type EngineRequest,
} from './dial-engine.ts';
import type { EngineEndpoint } from './engine-endpoint.ts';
import { describeEngine, engineFailed, engineRefused, engineUnreachable } from './engine-error.ts';
import { isDenial, parseAnswer, readText } from './read-answer.ts';

export interface EngineConnection {
  readonly endpoint: EngineEndpoint;
  /** For messages: `the docker engine at unix:///var/run/docker.sock`. */
  readonly description: string;
  /** Whether it is podman's service. */
  readonly isPodman: boolean;
  /** The newest version of the API that the engine has, which may be newer than the one spoken: `1.41`. */
  readonly apiVersion: string;
  /** The start of the answer, whatever its status. Throws source-failed where none comes, and the signal's reason. */
  send(request: EngineRequest): Promise<EngineAnswer>;
  /**
   * The answer's JSON; undefined for "not found", and where the request is optional and is not let through. Throws
   * source-failed for other refusals, access-denied where something in front of the engine does not let the request
   * through.
   */
  findJson<T>(request: EngineRequest, schema: z.ZodType<T>): Promise<T | undefined>;
  close(): void;
}

export interface ConnectEngineOptions {
  readonly signal?: AbortSignal;
}

/** How long small answers may take. Exports and loads may take as long as they need. */
const answerTimeoutMs = 60_000;

/**
 * Connects to the engine at `endpoint`. Throws source-unreachable; source-failed where what answers is too old, or no
 * engine at all; the signal's reason.
 */
export async function connectEngine(
  endpoint: EngineEndpoint,
  { signal }: ConnectEngineOptions = {},
): Promise<EngineConnection> {
  const agent = createAgent(endpoint);
  try {
    const { apiVersion, isPodman } = await ping({
      what: 'ask for a sign of life',
      path: '/_ping',
      signal,
    });
    const line: EngineLine = { endpoint, agent, version: chooseVersion(endpoint, apiVersion) };
    return {
      endpoint,
      description: describeEngine(endpoint),
      apiVersion,
      isPodman,
      send: (request) => withEngineErrors(request, () => dialEngine(line, request)),
      async findJson(request, schema) {
        const { status, text } = await withEngineErrors(request, () =>
          withTimeout(request, async (limited) => {
            const answer = await dialEngine(line, limited);
            return { status: answer.status, text: await readText(answer.body) };
          }),
        );
        if (status === 404 && !isDenial(status, text)) return undefined;
        if (request.isOptional === true && isDenial(status, text)) return undefined;
        if (status !== 200) throw engineRefused(endpoint, request, status, text);
        return withEngineErrors(request, () => Promise.resolve(parseAnswer(text, schema)));
      },
      close() {
        agent.destroy();
      },
    };
  } catch (error) {
    agent.destroy();
    throw error;
  }

  async function ping(request: EngineRequest): Promise<Pick<EngineConnection, 'apiVersion' | 'isPodman'>> {
    const { status, headers, text } = await withTimeout(request, async (limited) => {
      const { status, body } = await dialEngine({ endpoint, agent }, limited);
      return { status, headers: body.headers, text: await readText(body) };
    }).catch((error: unknown) => {
      signal?.throwIfAborted();
      throw engineUnreachable(endpoint, error);
    });
    if (status !== 200) throw engineRefused(endpoint, request, status, text);
    const version = headers['api-version'];
    return {
      apiVersion: typeof version === 'string' ? version : '',
      isPodman: 'libpod-api-version' in headers || String(headers['server']).startsWith('Libpod/'),
    };
  }

  async function withEngineErrors<T>(request: EngineRequest, action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      request.signal?.throwIfAborted();
      throw engineFailed(endpoint, request.what, error);
    }
  }
}

/** Throws source-failed or access-denied unless `answer` is a good one; then its body is read to its end. */
export async function checkAnswer(
  { endpoint }: EngineConnection,
  request: EngineRequest,
  { status, body }: EngineAnswer,
): Promise<void> {
  if (status < 200 || status > 299) throw engineRefused(endpoint, request, status, await readText(body));
}

async function withTimeout<T>(
  request: EngineRequest,
  action: (request: EngineRequest) => Promise<T>,
): Promise<T> {
  const timeout = AbortSignal.timeout(answerTimeoutMs);
  const signal = request.signal === undefined ? timeout : AbortSignal.any([request.signal, timeout]);
  try {
    return await action({ ...request, signal });
  } catch (error) {
    if (!timeout.aborted || request.signal?.aborted === true) throw error;
    throw new Error(`it did not answer within ${answerTimeoutMs / 1000} seconds`, { cause: error });
  }
}
