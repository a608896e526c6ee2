import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { digestOf, type DiffId } from '../../../../src/ground/digest.ts';
import { BundleError } from '../../../../src/ground/errors.ts';
import { registryLimits } from '../../../../src/place/registry/talk/limits.ts';
import { listRepositories, listTags } from '../../../../src/place/registry/lists.ts';
import { findManifest } from '../../../../src/place/registry/manifests.ts';
import { readBlob } from '../../../../src/place/registry/read-blob.ts';
import { openRegistry, type RegistryClient } from '../../../../src/place/registry/talk/registry-client.ts';
import { pullLayers } from '../../../../src/place/registry/pull-layers.ts';
import { bareEnvironment, impatientRule } from '../make-client.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

/** A server that answers as `answer` does; its host. */
async function serve(answer: Answer): Promise<string> {
  const server = createServer((request, response) => {
    response.on('error', () => undefined);
    void answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A registry that answers as `answer` does, once it has said that it is one; the client waits for half a second. */
async function connect(answer: Answer, environment = bareEnvironment): Promise<RegistryClient> {
  const host = await serve(answer);
  const client = openRegistry(host, { environment, retry: impatientRule(), patienceMs: 500 });
  onTestFinished(() => {
    client.close();
  });
  return client;
}

async function failureOf(work: Promise<unknown>): Promise<BundleError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof BundleError) return error;
  throw new Error(`It ended with ${String(error)}`);
}

const json = (value: unknown): string => JSON.stringify(value);
const bytes = Buffer.alloc(200_000, 'layer');
const digest = digestOf(bytes);
const blob = { path: 'a/b', digest, size: bytes.length, label: 'layer 1 of a/b:1' };

async function readAllOf(client: RegistryClient, wanted = blob): Promise<number> {
  let size = 0;
  for await (const chunk of readBlob(client, wanted)) size += chunk.length;
  return size;
}

/** Sends `part` again and again, every `ms`, until nobody listens. */
async function drip(response: ServerResponse, part: Uint8Array | string, ms: number): Promise<void> {
  for (let isWanted = true; isWanted && !response.destroyed;) {
    response.write(part);
    await sleep(ms);
    isWanted = !response.writableEnded;
  }
}

/** Sends without end, as fast as it is taken. */
async function flood(response: ServerResponse, part: Uint8Array | string): Promise<void> {
  while (!response.destroyed) {
    if (!response.write(part)) await Promise.race([once(response, 'drain'), once(response, 'close')]);
  }
}

const manifestHeaders = { 'Content-Type': 'application/vnd.oci.image.manifest.v1+json' };

/** What a registry does, what is asked of it, and what is said. */
const hostile: readonly (readonly [
  what: string,
  answer: Answer,
  ask: (client: RegistryClient) => Promise<unknown>,
  said: RegExp,
])[] = [
  [
    'pages of the same tags without end',
    (_request, response) => {
      const next = `</v2/a/b/tags/list?n=${Math.random()}>; rel="next"`;
      response.writeHead(200, { Link: next }).end(json({ tags: ['1', '2'] }));
    },
    (client) => listTags(client, 'a/b'),
    /list the tags of a\/b .*the list does not end, 101 pages had nothing new/,
  ],
  [
    'empty pages without end',
    (_request, response) => {
      response.writeHead(200, { Link: '</v2/_catalog?n=1>; rel="next"' }).end(json({ repositories: [] }));
    },
    (client) => listRepositories(client),
    /list the repositories .*101 pages had nothing new/,
  ],
  [
    'new names without end',
    (request, response) => {
      const page = Number(/\d+$/.exec(request.url ?? '')?.[0] ?? 0);
      const tags = Array.from({ length: 100_000 }, (_, index) => `${page}-${index}`);
      response.writeHead(200, { Link: `</v2/a/b/tags/list?n=${page + 1}>; rel="next"` }).end(json({ tags }));
    },
    (client) => listTags(client, 'a/b'),
    /it has more than 1000000 names/,
  ],
  [
    'a page that does not end',
    (_request, response) => flood(response.writeHead(200), ' '.repeat(1 << 20)),
    (client) => listTags(client, 'a/b'),
    /its answer has more than 16777216 bytes/,
  ],
  [
    'a manifest that does not end',
    (_request, response) => flood(response.writeHead(200, manifestHeaders), ' '.repeat(1 << 20)),
    (client) => findManifest(client, 'a/b', '1'),
    /read the manifest of a\/b:1 .*its answer has more than 4194304 bytes/,
  ],
  [
    'a manifest letter by letter',
    (_request, response) => drip(response.writeHead(200, manifestHeaders), ' ', 20),
    (client) => findManifest(client, 'a/b', '1'),
    /it is too slow: \d+ bytes in 0.5 seconds, 61440 were expected/,
  ],
  [
    'headers letter by letter',
    async (request) => {
      request.socket.write('HTTP/1.1 200 OK\r\nX: ');
      while (!request.socket.destroyed) {
        request.socket.write('x');
        await sleep(20);
      }
    },
    (client) => findManifest(client, 'a/b', '1'),
    /it does not answer/,
  ],
  [
    'headers without end',
    async (request) => {
      request.socket.write('HTTP/1.1 200 OK\r\n');
      for (let index = 0; !request.socket.destroyed; index += 1) {
        request.socket.write(`X-${index}: ${'x'.repeat(1000)}\r\n`);
        await sleep(1);
      }
    },
    (client) => findManifest(client, 'a/b', '1'),
    /Header overflow/,
  ],
  [
    'redirections without end',
    (request, response) => {
      response.writeHead(307, { Location: `${request.url ?? ''}x` }).end();
    },
    (client) => findManifest(client, 'a/b', '1'),
    /it sends one from place to place/,
  ],
  [
    'a refusal without end',
    (_request, response) => flood(response.writeHead(418), 'no '),
    (client) => findManifest(client, 'a/b', '1'),
    /it answered 418 \(no no/,
  ],
  [
    'trouble without end',
    (_request, response) => flood(response.writeHead(503), 'no '),
    (client) => findManifest(client, 'a/b', '1'),
    /it is in trouble, and answered 503 \(no no/,
  ],
  [
    'a layer byte by byte',
    (_request, response) => drip(response.writeHead(200), 'l', 20),
    (client) => readAllOf(client),
    /read layer 1 of a\/b:1 .*it is too slow/,
  ],
  [
    'a layer that is longer than it is said to be',
    (_request, response) => flood(response.writeHead(200), bytes),
    (client) => readAllOf(client),
    /more than 200000 bytes came/,
  ],
  [
    'a layer in bits, each in a connection of its own',
    (request, response) => {
      const start = Number(/\d+/.exec(request.headers.range ?? '')?.[0] ?? 0);
      response.writeHead(206, {
        'Content-Range': `bytes ${start}-${bytes.length - 1}/${bytes.length}`,
        'Content-Length': String(bytes.length - start),
      });
      response.write(bytes.subarray(start, start + 100), () => response.destroy());
    },
    (client) => readAllOf(client),
    /it hung up before the end, again and again/,
  ],
];

describe('a registry that sends', () => {
  it.each(hostile)('%s is not listened to without end', async (_what, answer, ask, said) => {
    const error = await failureOf(ask(await connect(answer)));
    expect(error.message).toMatch(said);
    expect(['source-failed', 'source-unreachable', 'layer-mismatch']).toContain(error.code);
  });

  it('slowly what is within the limits is taken, and so is one whose receiver is slow', async () => {
    const client = await connect(async (_request, response) => {
      response.writeHead(200);
      for (let start = 0; start < bytes.length; start += 10_000) {
        response.write(bytes.subarray(start, start + 10_000));
        await sleep(40); // 250 kB/s
      }
      response.end();
    });
    expect(await readAllOf(client)).toBe(bytes.length);
    let size = 0;
    for await (const chunk of readBlob(client, blob)) {
      size += chunk.length;
      if (size < 50_000) await sleep(300);
    }
    expect(size).toBe(bytes.length);
  });

  it('names that cannot be asked for does not spoil the list of the others', async () => {
    const odd = ['', '../../x', '\u001b]0;x\u0007', 'a b', 'x'.repeat(129), '-a', '.a', 'a/b', 'ok-1.0_x'];
    const client = await connect((request, response) => {
      const isTags = request.url?.includes('/tags/') === true;
      response.end(
        json(isTags ? { tags: odd } : { repositories: ['A/B', '../x', 'a//b', 'team/web', 'a\nb'] }),
      );
    });
    expect(await listTags(client, 'a/b')).toEqual(['ok-1.0_x']);
    expect(await listRepositories(client)).toEqual(['team/web']);
  });
});

describe('what another host says', () => {
  it('is not shown after a redirection', async () => {
    for (const status of [404, 418, 500, 503]) {
      const inner = await serve((_request, response) => {
        response.writeHead(status).end('SECRET of an inner service');
      });
      const client = await connect((_request, response) => {
        response.writeHead(307, { Location: `http://${inner}/` }).end();
      });
      const error = await failureOf(readAllOf(client));
      expect(error.message).not.toContain('SECRET');
      if (status !== 404) expect(error.message).toContain(`${status} (from ${inner}, where it sent one)`);
    }
  });

  it('is not shown where a registry calls it its token server', async () => {
    for (const status of [418, 500, 503]) {
      const inner = await serve((_request, response) => {
        response.writeHead(status).end('SECRET of an inner service');
      });
      const client = await connect((_request, response) => {
        response.writeHead(401, { 'WWW-Authenticate': `Bearer realm="http://${inner}/token"` }).end();
      });
      const error = await failureOf(findManifest(client, 'a/b', '1'));
      expect(error.message).not.toContain('SECRET');
    }
  });
});

it('a layer that cannot have room is refused before its first byte is asked for', async () => {
  let requestCount = 0;
  const client = await connect((_request, response) => {
    requestCount += 1;
    response.end(bytes);
  });
  const asked: number[] = [];
  const sink = {
    hasLayer: () => Promise.resolve(false),
    addLayer: () => Promise.reject(new Error('It must not come to this')),
    findConfig: () => Promise.resolve(undefined),
    keepConfig: () => Promise.resolve(),
    checkRoom(size: number): Promise<void> {
      asked.push(size);
      return Promise.reject(new BundleError('cache-full', 'no room'));
    },
  };
  const wanted = { ...blob, size: Number.MAX_SAFE_INTEGER, diffId: digestOf(Buffer.from('x')) as DiffId };
  const error = await failureOf(pullLayers(client, [wanted], sink, { signal: undefined }));
  expect([error.code, asked, requestCount]).toEqual(['cache-full', [Number.MAX_SAFE_INTEGER], 0]);
});

it('docs/registries.md lists the limits', async () => {
  const page = await readFile(join(import.meta.dirname, '../../../../docs/registries.md'), 'utf8');
  const mebi = 1024 * 1024;
  const { manifestSize, configSize, pageSize, tokenAnswerSize, refusalSize } = registryLimits;
  const { pageCount, idlePageCount, nameCount, redirectCount, indexDepth } = registryLimits;
  const { silenceMs, leastSize, smallAnswerMs } = registryLimits;
  for (const row of [
    `| a manifest or an index | ${manifestSize / mebi} MiB |`,
    `| a config | ${configSize / mebi} MiB, and what its descriptor says |`,
    `| a page of a list | ${pageSize / mebi} MiB |`,
    `| the answer of a token server | ${tokenAnswerSize / mebi} MiB |`,
    `| what is read of a refusal | ${refusalSize / 1024} KiB |`,
    `| pages of a list | ${pageCount}, and ${idlePageCount} in a row with nothing new |`,
    `| names in a list | ${nameCount} |`,
    `| redirections of a request | ${redirectCount} |`,
    `| indexes above a manifest | ${indexDepth} |`,
    `| silence | ${silenceMs / 1000} s |`,
    `| speed | ${leastSize / 1024} KiB in ${silenceMs / 1000} s |`,
    `| the time of a manifest, a config, a page, a token | ${smallAnswerMs / 60_000} min |`,
  ]) {
    expect(page.replace(/ +/g, ' ')).toContain(row);
  }
});
