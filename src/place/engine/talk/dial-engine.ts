/** Sends one request to an engine. */
import {
  Agent as HttpAgent,
  type IncomingMessage,
  request as sendHttp,
  type RequestOptions,
} from 'node:http';
import { Agent as HttpsAgent, request as sendHttps } from 'node:https';
import type { Readable } from 'node:stream';
import type { EngineEndpoint } from './engine-endpoint.ts';
import { createSshAgent } from './ssh-agent.ts';

export interface EngineRequest {
  /** What it is for, behind "Cannot": `list images`. */
  readonly what: string;
  readonly method?: 'GET' | 'POST' | 'DELETE';
  /** Without the version: `/images/json`. */
  readonly path: string;
  /** A list gives one `name=value` for each. */
  readonly query?: Readonly<Record<string, string | readonly string[]>>;
  /** The bytes to send, at the engine's pace. Remains the caller's to destroy. */
  readonly body?: Readable;
  /** Of the body; a tar where left out. */
  readonly contentType?: string;
  /** Whether bundlefs does without the answer: then that it is not let through is as good as "not found". */
  readonly isOptional?: boolean;
  /** Breaks off the request, and the answer's body. */
  readonly signal?: AbortSignal;
}

/** The body must be read to its end or destroyed. */
export interface EngineAnswer {
  readonly status: number;
  readonly body: IncomingMessage;
}

/** How an engine is spoken to. */
export interface EngineLine {
  readonly endpoint: EngineEndpoint;
  readonly agent: HttpAgent;
  /** Of the API; the engine's newest where left out. */
  readonly version?: string;
}

/** Resolves with the answer's start, of any status. Throws what the socket, TLS or ssh throws, and AbortError. */
export function dialEngine(line: EngineLine, request: EngineRequest): Promise<EngineAnswer> {
  const { body, signal } = request;
  const { send, options } = routeOf(line.endpoint);
  return new Promise((resolve, reject) => {
    const sent = send({
      ...options,
      agent: line.agent,
      method: request.method ?? 'GET',
      path: pathOf(line, request),
      ...(body && { headers: { 'Content-Type': request.contentType ?? 'application/x-tar' } }),
      ...(signal && { signal }),
    });
    // It stays: a connection may break again while the answer is read, and the answer's body tells of that.
    sent.on('error', reject);
    sent.on('response', (answer) => {
      resolve({ status: answer.statusCode ?? 0, body: answer });
    });
    if (body === undefined) {
      sent.end();
      return;
    }
    body.on('error', (error) => sent.destroy(error));
    body.pipe(sent);
  });
}

function pathOf({ version }: EngineLine, { path, query = {} }: EngineRequest): string {
  const words = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of typeof value === 'string' ? [value] : value) words.append(name, one);
  }
  const prefix = version === undefined ? '' : `/v${version}`;
  return words.size === 0 ? `${prefix}${path}` : `${prefix}${path}?${words.toString()}`;
}

function routeOf(endpoint: EngineEndpoint): { send: typeof sendHttp; options: RequestOptions } {
  switch (endpoint.kind) {
    case 'unix':
      return { send: sendHttp, options: { socketPath: endpoint.socketPath } };
    case 'tcp': {
      const { hostname, port, tls } = endpoint;
      return { send: tls === undefined ? sendHttp : sendHttps, options: { host: hostname, port } };
    }
    case 'ssh':
      return { send: sendHttp, options: {} };
  }
}

/** The connections to `endpoint`. Alive, so that a host that is gone is noticed in the middle of an export. */
export function createAgent(endpoint: EngineEndpoint): HttpAgent {
  if (endpoint.kind === 'ssh') return createSshAgent(endpoint);
  if (endpoint.kind === 'unix' || endpoint.tls === undefined) return new HttpAgent({ keepAlive: true });
  const { ca, cert, key, isVerified } = endpoint.tls;
  return new HttpsAgent({
    keepAlive: true,
    rejectUnauthorized: isVerified,
    ca,
    cert,
    key,
  });
}
