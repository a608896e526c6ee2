/** Stands before a registry, notes what it is asked, and may break what it answers. */
import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as sendHttp,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

export interface FrontRequest {
  /** `GET /v2/tiny/web/manifests/1.0` */
  readonly line: string;
  readonly headers: IncomingHttpHeaders;
}

export interface FrontOptions {
  /** Answers in place of the registry, and returns true, or leaves it to that. */
  readonly onRequest?: (request: FrontRequest, response: ServerResponse) => boolean;
  /** After how many bytes of this answer's body the connection breaks; undefined for never. */
  readonly cutAnswer?: (request: FrontRequest) => number | undefined;
  /** After how many bytes of this request's body the connection breaks. */
  readonly cutRequest?: (request: FrontRequest) => number | undefined;
  /** Whether what came of a broken upload is kept and told of, which docker's own registry does not do. */
  readonly keepsUploads?: boolean;
  /** Changes a chunk of an answer's body on its way. */
  readonly change?: (request: FrontRequest, chunk: Buffer) => Buffer;
  /** Headers that do not reach the registry. */
  readonly withoutHeaders?: readonly string[];
}

export interface RegistryFront extends AsyncDisposable {
  readonly host: string;
  readonly requests: FrontRequest[];
}

/** Listens on a free port, and passes everything on to `registry` (`127.0.0.1:5000`). */
export async function startFront(registry: string, options: FrontOptions = {}): Promise<RegistryFront> {
  const requests: FrontRequest[] = [];
  const kept = new Map<string, Promise<IncomingHttpHeaders>>();
  const server = createServer((incoming, response) => {
    const request = { line: `${incoming.method ?? ''} ${incoming.url ?? ''}`, headers: incoming.headers };
    requests.push(request);
    if (options.onRequest?.(request, response) === true) {
      incoming.resume();
      return;
    }
    const upload = new URL(incoming.url ?? '', 'http://front').pathname;
    const cut = options.cutRequest?.(request);
    if (options.keepsUploads === true && cut !== undefined) {
      kept.set(upload, keepStart(registry, incoming, cut));
      return;
    }
    const known = incoming.method === 'GET' ? kept.get(upload) : undefined;
    if (known === undefined) {
      pass(registry, request, incoming, response, { ...options, cutRequest: () => cut });
      return;
    }
    void known.then(({ location, range }) => {
      response.writeHead(204, { Location: location ?? '', Range: range ?? '' }).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Sends the first `size` bytes of an upload as if that were all, breaks the connection, and gives what the registry said. */
async function keepStart(
  registry: string,
  incoming: IncomingMessage,
  size: number,
): Promise<IncomingHttpHeaders> {
  const { socket } = incoming; // of which the end of the loop would forget
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    if ((length += chunk.length) >= size) break;
  }
  socket.destroy();
  const start = Buffer.concat(chunks).subarray(0, size);
  const [host, port] = registry.split(':');
  const headers = {
    ...incoming.headers,
    'content-length': String(start.length),
    'content-range': `0-${start.length - 1}`,
  };
  const sent = sendHttp({ host, port, method: 'PATCH', path: incoming.url, headers });
  sent.end(start);
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  answer.resume();
  return answer.headers;
}

function pass(
  registry: string,
  request: FrontRequest,
  incoming: IncomingMessage,
  response: ServerResponse,
  { cutAnswer, cutRequest, change, withoutHeaders = [] }: FrontOptions,
): void {
  const headers = { ...incoming.headers };
  for (const name of withoutHeaders) Reflect.deleteProperty(headers, name);
  const [host, port] = registry.split(':');
  const sent = sendHttp({ host, port, method: incoming.method, path: incoming.url, headers });
  sent.on('error', () => response.destroy());
  sent.on('response', (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    let left = cutAnswer?.(request) ?? Infinity;
    answer.on('data', (chunk: Buffer) => {
      const part = chunk.subarray(0, Math.min(left, chunk.length));
      left -= part.length;
      // What was written must arrive before the connection breaks.
      const cut = left === 0 ? (): void => void response.destroy() : undefined;
      response.write(change === undefined ? part : change(request, part), cut);
      if (left === 0) answer.destroy();
    });
    answer.on('end', () => response.end());
    answer.on('error', () => undefined);
  });
  let left = cutRequest?.(request) ?? Infinity;
  incoming.on('data', (chunk: Buffer) => {
    const part = chunk.subarray(0, Math.min(left, chunk.length));
    left -= part.length;
    if (!sent.destroyed) sent.write(part);
    if (left > 0 || sent.destroyed) return;
    sent.destroy();
    incoming.destroy();
  });
  incoming.on('end', () => sent.end());
}
