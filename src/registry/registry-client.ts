/** Speaks to one registry: finds the way, answers its questions who asks, follows where it sends one, tries again. */
import type { Readable } from 'node:stream';
import type { BundleError, ErrorCode } from '../errors.ts';
import { type Connections, openConnections } from './connections.ts';
import { findCredentials } from './docker-credentials.ts';
import {
  exchange,
  type HttpAnswer,
  type HttpMethod,
  isTransient,
  readAll,
  type RequestBody,
} from './exchange.ts';
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
  readonly signal?: AbortSignal | undefined;
}

export interface SmallAnswer extends Pick<HttpAnswer, 'status' | 'headers'> {
  readonly bytes: Buffer;
}

export interface RegistryClient {
  /** `registry.example:5000`; `docker.io` for Docker Hub. */
  readonly host: string;
  readonly retry: RetryRule;
  /** The code of failures that no other code says more of. */
  readonly failureCode: ErrorCode;
  /** The answer's start. Throws access-denied, source-unreachable, `failureCode`, the signal's reason, what the body throws. */
  send(request: RegistryRequest): Promise<HttpAnswer>;
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
}

const mostRedirects = 5;

/** A client for the registry `host`. Sends nothing yet. */
export function openRegistry(
  host: string,
  {
    environment = process.env,
    retry = defaultRetryRule,
    failureCode = 'source-failed',
  }: OpenRegistryOptions = {},
): RegistryClient {
  const connections = openConnections(host, environment);
  let hasAnswered = false;
  const fetchToken: FetchToken = (request) =>
    withRetries(
      { what: 'get a token', signal: request.signal },
      async () => {
        const answer = await exchange({ ...request, agent: await connections.findAgent(request.url) });
        return { status: answer.status, headers: answer.headers, bytes: await readAll(answer.body) };
      },
      ({ bytes }) => Promise.resolve(bytes),
    );
  const auth = createRegistryAuth({
    host,
    findCredentials: () => findCredentials(host, environment),
    fetchToken,
    isSafe: (url) => connections.isSafe(url),
  });

  async function withRetries<T extends Pick<HttpAnswer, 'status' | 'headers'>>(
    { what, signal }: Pick<RegistryRequest, 'what' | 'signal'>,
    action: () => Promise<T>,
    readRefusal: (answer: T) => Promise<Uint8Array>,
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
        const reason = describeRefusal(await readRefusal(answer));
        failure = registryRefused(context, answer.status, reason, { retryAfterMs: wantedMs });
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

  const send = (request: RegistryRequest): Promise<HttpAnswer> =>
    withRetries(
      request,
      () => sendAuthorized(connections, auth, request),
      ({ body }) => readAll(body),
    );

  const refuse = ({ what }: RegistryRequest, status: number, bytes: Uint8Array): BundleError =>
    registryRefused({ host, what, code: failureCode }, status, describeRefusal(bytes), {
      problem: auth.problem,
    });

  return {
    host,
    retry,
    failureCode,
    async send(request) {
      const answer = await send(request);
      if (request.wanted.includes(answer.status)) return answer;
      throw refuse(request, answer.status, await readAll(answer.body).catch(() => Buffer.alloc(0)));
    },
    async ask(request) {
      const { status, headers, bytes } = await withRetries(
        request,
        async () => {
          const answer = await send(request);
          return { status: answer.status, headers: answer.headers, bytes: await readAll(answer.body) };
        },
        (answer) => Promise.resolve(answer.bytes),
      );
      if (request.wanted.includes(status)) return { status, headers, bytes };
      throw refuse(request, status, bytes);
    },
    async askOnce(request) {
      const { status, headers, body } = await sendAuthorized(connections, auth, request);
      return { status, headers, bytes: await readAll(body) };
    },
    refuse: (request, { status, bytes }) => refuse(request, status, bytes),
    close() {
      connections.close();
    },
  };
}

/** Sends it with what is known of logins, and once or twice again as the registry asks for one. */
async function sendAuthorized(
  connections: Connections,
  auth: RegistryAuth,
  request: RegistryRequest,
): Promise<HttpAnswer> {
  for (let isAgain = false; ; isAgain = true) {
    const answer = await sendFollowing(connections, auth.find(request.scopes), request);
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
  connections: Connections,
  authorization: string | undefined,
  { path, method = 'GET', headers = {}, body, signal }: RegistryRequest,
): Promise<HttpAnswer> {
  const base = await connections.findBase();
  let url = upgrade(new URL(path, base), base);
  let isOwn = url.origin === base.origin;
  for (let count = 0; ; count += 1) {
    const answer = await exchange({
      method,
      url,
      agent: await connections.findAgent(url),
      headers: { ...headers, ...(isOwn && authorization !== undefined && { Authorization: authorization }) },
      ...(body && { body }),
      ...(signal && { signal }),
    });
    const { location } = answer.headers;
    const isElsewhere = [301, 302, 303, 307, 308].includes(answer.status) && location !== undefined;
    if (!isElsewhere || (method !== 'GET' && method !== 'HEAD')) return answer;
    discard(answer.body);
    if (count === mostRedirects) throw new Error('it sends one from place to place');
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

/** A few bytes are read, so that the connection can be used again. */
function discard(body: Readable): void {
  body.on('error', () => undefined);
  body.resume();
}
