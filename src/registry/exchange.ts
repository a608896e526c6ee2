/** One request to a registry, and the start of its answer; no more than HTTP. */
import {
  type Agent as HttpAgent,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as sendHttp,
} from 'node:http';
import { request as sendHttps } from 'node:https';
import { Readable } from 'node:stream';
import { findErrno } from '../errors.ts';

export type HttpMethod = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH';

export interface RequestBody {
  readonly type: string;
  /** Bytes. */
  readonly size: number;
  stream(): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

export interface Exchange {
  readonly method: HttpMethod;
  readonly url: URL;
  readonly agent: HttpAgent;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: RequestBody;
  readonly signal?: AbortSignal;
}

/** The body must be read to its end or destroyed. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: IncomingMessage;
}

/** How long nothing may be heard of the other side. */
export const silenceMs = 60_000;
/** Of answers that are held in memory: manifests may have 4 MiB (distribution-spec, "Pushing Manifests"). */
const largestAnswerSize = 16 * 1024 * 1024;

/** Sends it. Throws what the socket, TLS and the body throw, and AbortError. */
export function exchange({ method, url, agent, headers, body, signal }: Exchange): Promise<HttpAnswer> {
  const send = url.protocol === 'https:' ? sendHttps : sendHttp;
  return new Promise((resolve, reject) => {
    const sent = send(url, {
      agent,
      method,
      headers: {
        'User-Agent': 'bundlefs',
        ...headers,
        ...(body && { 'Content-Type': body.type }),
        ...(method === 'GET' || method === 'HEAD' ? {} : { 'Content-Length': String(body?.size ?? 0) }),
      },
      ...(signal && { signal }),
    });
    sent.setTimeout(silenceMs, () => {
      sent.destroy(silent());
    });
    // It stays: a connection may break again while the answer is read, and the answer's body tells of that.
    sent.on('error', reject);
    sent.on('response', (answer) => {
      sent.setTimeout(0); // who reads the answer may be slow
      resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: answer });
    });
    if (body === undefined) {
      sent.end();
      return;
    }
    const content = Readable.from(body.stream(), { objectMode: false });
    content.on('error', (error) => sent.destroy(error));
    sent.on('close', () => content.destroy());
    content.pipe(sent);
  });
}

/** The chunks of `body`; throws ETIMEDOUT where none comes for a minute. A receiver may take its time. */
export async function* readChunks(body: IncomingMessage): AsyncGenerator<Uint8Array, void, undefined> {
  const iterator = body[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  try {
    for (;;) {
      const timer = setTimeout(() => body.destroy(silent()), silenceMs);
      const next = await iterator.next().finally(() => {
        clearTimeout(timer);
      });
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    body.destroy();
  }
}

/** All of `body`. Throws Error where it is far too long. */
export async function readAll(body: IncomingMessage): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of readChunks(body)) {
    size += chunk.length;
    if (size > largestAnswerSize) throw new Error(`its answer has more than ${largestAnswerSize} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Whether trying again may help: the connection broke, or nobody listens who `hasAnswered` before and may come back. */
export function isTransient(error: unknown, hasAnswered: boolean): boolean {
  const errno = findErrno(error) ?? '';
  return transientErrnos.has(errno) || (hasAnswered && errno === 'ECONNREFUSED');
}

const transientErrnos = new Set([
  ...['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN'],
  'ERR_STREAM_PREMATURE_CLOSE',
]);

export function silent(ms = silenceMs): Error {
  return Object.assign(new Error(`it said nothing for ${ms / 1000} seconds`), { code: 'ETIMEDOUT' });
}
