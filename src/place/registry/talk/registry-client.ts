/** Speaks to one registry: finds the way, answers its questions who asks, follows where it sends one, tries again. */
import type { BundleError, ErrorCode } from '../../../ground/errors.ts';
import { type Connections, openConnections } from './connections.ts';
import { findCredentials } from './docker-credentials.ts';
import {
  discard,
  exchange,
  type HttpAnswer,
  type HttpMethod,
  isTransient,
  readAll,
  readRefusal,
  type RequestBody,
} from './exchange.ts';
import { registryLimits } from './limits.ts';
import { createRegistryAuth, type FetchToken, type RegistryAuth } from './registry-auth.ts';
import { describeRefusal, registryFailed, registryRefused } from './registry-error.ts';
import { defaultRetryRule, findDelayMs, findRetryAfterMs, isRetryStatus, type RetryRule } from './retry.ts';

export interface RegistryRequest {
  /** What it is for, behind "Cannot": `read the tags of shop/web`. */
  readonly what: string;
  readonly method?: HttpMethod;
  /** Below the registry, or a whole address that the registry gave. */
  readonly path: string;
  /** What a token must allow: `repository:shop/web:pull`. */
  readonly scopes: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: RequestBody;
  /** Statuses that are answers; for all others there are errors. */
  readonly wanted: readonly number[];
  /** Bytes that the whole answer may have; those of a refusal where nothing else is wanted. */
  readonly limit?: number;
  readonly signal?: AbortSignal | undefined;
}

/** An answer, and who gave it. */
export interface RegistryAnswer extends HttpAnswer {
  /** The host that the registry sent one to, where it was another one that answered: what that says is not shown. */
  readonly elsewhere: string | undefined;
}

export interface SmallAnswer extends Pick<RegistryAnswer, 'status' | 'headers' | 'elsewhere'> {
  readonly bytes: Buffer;
}

export interface RegistryClient {
  /** `registry.example:5000`; `docker.io` for Docker Hub. */
  readonly host: string;
  readonly retry: RetryRule;
  /** See registryLimits.silenceMs. */
  readonly patienceMs: number;
  /** The code of failures that no other code says more of. */
  readonly failureCode: ErrorCode;
  /** The answer's start. Throws access-denied, source-unreachable, `failureCode`, the signal's reason, what the body throws. */
  send(request: RegistryRequest): Promise<RegistryAnswer>;
  /** The whole answer; a connection that breaks meanwhile is made again. */
  ask(request: RegistryRequest): Promise<SmallAnswer>;
  /** The same, tried once: any status is an answer. Throws what sockets throw, too. */
  askOnce(request: RegistryRequest): Promise<SmallAnswer>;
  /** The error for an answer that the request does not want. */
  refuse(request: RegistryRequest, answer: SmallAnswer): BundleError;
  close(): void;
}

export interface OpenRegistryOptions {
  readonly environment?: NodeJS.ProcessEnv;
  readonly retry?: RetryRule;
  readonly failureCode?: ErrorCode;
  readonly patienceMs?: number;
}

/** A client for the registry `host`. Sends nothing yet. */
export function openRegistry(
  host: string,
  {
    environment = process.env,
    retry = defaultRetryRule,
    failureCode = 'source-failed',
    patienceMs = registryLimits.silenceMs,
  }: OpenRegistryOptions = {},
): RegistryClient {
  const connections = openConnections(host, environment);
  let hasAnswered = false;
  const fetchToken: FetchToken = (request) =>
    withRetries(
      { what: 'get a token', signal: request.signal },
      async () => {
        const agent = await connections.findAgent(request.url);
        const { status, headers, body } = await exchange({ ...request, agent, patienceMs });
        const { origin, host: elsewhere } = request.url;
        const isOwn = origin === (await connections.findBase()).origin;
        const bytes = await readAll(body, { limit: registryLimits.tokenAnswerSize, patienceMs });
        return { status, headers, bytes, elsewhere: isOwn ? undefined : elsewhere };
      },
      ({ bytes }) => Promise.resolve(bytes),
    );
  const auth = createRegistryAuth({
    host,
    findCredentials: () => findCredentials(host, environment),
    fetchToken,
    isSafe: (url) => connections.isSafe(url),
  });

  async function withRetries<T extends Pick<RegistryAnswer, 'status' | 'headers' | 'elsewhere'>>(
    { what, signal }: Pick<RegistryRequest, 'what' | 'signal'>,
    action: () => Promise<T>,
    readBytes: (answer: T) => Promise<Uint8Array>,
  ): Promise<T> {
    const context = { host, what, code: failureCode };
    for (let failures = 1; ; failures += 1) {
      signal?.throwIfAborted();
      let wantedMs: number | undefined;
      let failure: BundleError;
      try {
        const answer = await action();
        hasAnswered = true;
        if (!isRetryStatus(answer.status)) return answer;
        wantedMs = findRetryAfterMs(answer.headers, Date.now());
        failure = refusalOf(context, answer, await readBytes(answer), { retryAfterMs: wantedMs });
      } catch (error) {
        signal?.throwIfAborted();
        failure = registryFailed(context, error);
        if (!isTransient(error, hasAnswered)) throw failure;
      }
      const delayMs = findDelayMs(retry, failures, wantedMs);
      if (delayMs === undefined) throw failure;
      await retry.wait(delayMs, signal);
    }
  }

  const sendOnce = (request: RegistryRequest): Promise<RegistryAnswer> =>
    sendAuthorized({ connections, auth, patienceMs }, request);
  const send = (request: RegistryRequest): Promise<RegistryAnswer> =>
    withRetries(
      request,
      () => sendOnce(request),
      ({ body }) => readRefusal(body, patienceMs),
    );
  /** All of an answer that is wanted, and the start of another. */
  const readWhole = async (request: RegistryRequest, answer: RegistryAnswer): Promise<SmallAnswer> => {
    const { status, headers, elsewhere, body } = answer;
    const { wanted, limit = registryLimits.refusalSize } = request;
    const bytes = wanted.includes(status)
      ? await readAll(body, { limit, patienceMs })
      : await readRefusal(body, patienceMs);
    return { status, headers, elsewhere, bytes };
  };

  const refuse = ({ what }: RegistryRequest, answer: SmallAnswer): BundleError =>
    refusalOf({ host, what, code: failureCode }, answer, answer.bytes, { problem: auth.problem });

  return {
    host,
    retry,
    patienceMs,
    failureCode,
    async send(request) {
      const answer = await send(request);
      if (request.wanted.includes(answer.status)) return answer;
      throw refuse(request, await readWhole(request, answer));
    },
    async ask(request) {
      const answer = await withRetries(
        request,
        async () => readWhole(request, await send(request)),
        ({ bytes }) => Promise.resolve(bytes),
      );
      if (request.wanted.includes(answer.status)) return answer;
      throw refuse(request, answer);
    },
    askOnce: async (request) => readWhole(request, await sendOnce(request)),
    refuse,
    close() {
      connections.close();
    },
  };
}

/** What another host says is not shown: a registry could have it say what is not for everybody's eyes. */
function refusalOf(
  context: Parameters<typeof registryRefused>[0],
  { status, elsewhere }: Pick<RegistryAnswer, 'status' | 'elsewhere'>,
  bytes: Uint8Array,
  options: Parameters<typeof registryRefused>[3],
): BundleError {
  const reason = elsewhere === undefined ? describeRefusal(bytes) : `from ${elsewhere}, where it sent one`;
  return registryRefused(context, status, reason, options);
}

/** What requests are sent with. */
interface Line {
  readonly connections: Connections;
  readonly auth: RegistryAuth;
  readonly patienceMs: number;
}

/** Sends it with what is known of logins, and once or twice again as the registry asks for one. */
async function sendAuthorized(line: Line, request: RegistryRequest): Promise<RegistryAnswer> {
  const { auth } = line;
  for (let isAgain = false; ; isAgain = true) {
    const answer = await sendFollowing(line, auth.find(request.scopes), request);
    if (answer.status !== 401) return answer;
    const hasAnswer = await auth.answer(answer.headers['www-authenticate'], request.scopes, {
      isAgain,
      signal: request.signal,
    });
    if (!hasAnswer) return answer;
    discard(answer.body);
  }
}

/** Follows redirections of what is read. The login is for the registry alone, and never goes along to another host. */
async function sendFollowing(
  { connections, patienceMs }: Line,
  authorization: string | undefined,
  { path, method = 'GET', headers = {}, body, signal }: RegistryRequest,
): Promise<RegistryAnswer> {
  const base = await connections.findBase();
  let url = upgrade(new URL(path, base), base);
  let isOwn = url.origin === base.origin;
  for (let count = 0; ; count += 1) {
    const answer = await exchange({
      method,
      url,
      agent: await connections.findAgent(url),
      headers: { ...headers, ...(isOwn && authorization !== undefined && { Authorization: authorization }) },
      body,
      signal,
      patienceMs,
    });
    const { location } = answer.headers;
    const isElsewhere = [301, 302, 303, 307, 308].includes(answer.status) && location !== undefined;
    if (!isElsewhere || (method !== 'GET' && method !== 'HEAD')) {
      return { ...answer, elsewhere: isOwn ? undefined : url.host };
    }
    discard(answer.body);
    if (count === registryLimits.redirectCount) throw new Error('it sends one from place to place');
    if (!URL.canParse(location, url.href)) throw new Error('it sends one to something that is no address');
    url = upgrade(new URL(location, url), base);
    if (!/^https?:$/.test(url.protocol)) throw new Error('it sends one to something that is no web address');
    isOwn &&= url.origin === base.origin;
  }
}

/** Registries behind a proxy that ends TLS often call themselves by http. */
function upgrade(url: URL, base: URL): URL {
  const isSelf = url.hostname === base.hostname && url.protocol === 'http:' && base.protocol === 'https:';
  return isSelf ? new URL(`${url.pathname}${url.search}`, base) : url;
}
