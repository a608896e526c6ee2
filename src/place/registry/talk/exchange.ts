/** One request to a registry, and the start of its answer; no more than HTTP. */
import {
  type Agent as HttpAgent,
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as sendHttp,
} from 'node:http';
import { request as sendHttps } from 'node:https';
import { findErrno } from '../../../ground/errors.ts';
import { registryLimits } from './limits.ts';
import { createPace, silent } from './pace.ts';

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
  /** See registryLimits.silenceMs. */
  readonly patienceMs?: number | undefined;
}

/** The body must be read to its end or destroyed. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: IncomingMessage;
}

/** Sends it. Throws what the socket, TLS and the body throw, and AbortError. */
export function exchange({
  method,
  url,
  agent,
  headers,
  body,
  signal,
  patienceMs = registryLimits.silenceMs,
}: Exchange): Promise<HttpAnswer> {
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
      signal,
    });
    const giveUp = (): void => {
      sent.destroy(silent(patienceMs));
    };
    sent.setTimeout(patienceMs, giveUp);
    // What comes letter by letter is no silence: the start of an answer must be there in time, too.
    let timer: NodeJS.Timeout | undefined;
    sent.on('finish', () => (timer = setTimeout(giveUp, patienceMs)));
    sent.on('close', () => {
      clearTimeout(timer);
    });
    // It stays: a connection may break again while the answer is read, and the answer's body tells of that.
    sent.on('error', reject);
    sent.on('response', (answer) => {
      sent.setTimeout(0); // who reads the answer may be slow
      clearTimeout(timer);
      resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: answer });
    });
    if (body === undefined) {
      sent.end();
      return;
    }
    sendBody(sent, body, patienceMs).catch((error: unknown) => {
      sent.destroy(error instanceof Error ? error : new Error(String(error)));
    });
  });
}

/** Returns when all of `body` is on its way, or nobody takes it any more. */
async function sendBody(sent: ClientRequest, body: RequestBody, patienceMs: number): Promise<void> {
  const pace = createPace(patienceMs);
  for await (const chunk of body.stream()) {
    if (sent.destroyed) return;
    if (!sent.write(chunk)) await pace.during(untilDrained(sent), (error) => sent.destroy(error));
    pace.note(chunk.length);
  }
  sent.end();
}

function untilDrained(sent: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      sent.off('drain', end).off('close', end);
      resolve();
    };
    sent.on('drain', end).on('close', end);
    if (sent.destroyed) end();
  });
}

/** The chunks of `body`. Throws ETIMEDOUT where none comes for a minute, Error where few come; a receiver may take its time. */
export async function* readChunks(
  body: IncomingMessage,
  patienceMs: number = registryLimits.silenceMs,
): AsyncGenerator<Uint8Array, void, undefined> {
  const iterator = body[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const pace = createPace(patienceMs);
  try {
    for (;;) {
      const next = await pace.during(iterator.next(), (error) => body.destroy(error));
      if (next.done === true) return;
      pace.note(next.value.length);
      yield next.value;
    }
  } finally {
    body.destroy();
  }
}

export interface ReadAllOptions {
  /** Bytes. */
  readonly limit: number;
  readonly patienceMs?: number | undefined;
}

/** All of `body`. Throws Error where it has more than `limit` bytes, or takes far too long. */
export async function readAll(body: IncomingMessage, { limit, patienceMs }: ReadAllOptions): Promise<Buffer> {
  const { smallAnswerMs } = registryLimits;
  const timer = setTimeout(
    () => body.destroy(new Error(`its answer was not there after ${smallAnswerMs / 60_000} minutes`)),
    smallAnswerMs,
  );
  try {
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of readChunks(body, patienceMs)) {
      size += chunk.length;
      if (size > limit) throw new Error(`its answer has more than ${limit} bytes`);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  } finally {
    clearTimeout(timer);
  }
}

/** The start of a refusal, which is all that is told of it; empty where it cannot be read. */
export async function readRefusal(body: IncomingMessage, patienceMs?: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of readChunks(body, patienceMs)) {
      chunks.push(chunk);
      size += chunk.length;
      if (size >= registryLimits.refusalSize) break;
    }
  } catch {
    // The status says enough.
  }
  return Buffer.concat(chunks);
}

/** Reads a short `body` to its end, so that the connection can be used again; breaks off a long one. */
export function discard(body: IncomingMessage): void {
  let size = 0;
  const timer = setTimeout(() => body.destroy(), registryLimits.silenceMs).unref();
  body.on('error', () => undefined);
  body.on('close', () => {
    clearTimeout(timer);
  });
  body.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > registryLimits.refusalSize) body.destroy();
  });
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
