/** Not an engine: a server that speaks as much of the engine's protocol as bundlefs does, for what real engines here do not do. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What an engine answers for `/images/{name}/json`. */
export interface PeerImage {
  readonly id: string;
  readonly names: readonly string[];
  readonly layers: readonly string[];
}

export interface ProtocolPeerOptions {
  /** The newest version that it claims to speak; none at all where it is empty. */
  readonly apiVersion?: string;
  /** Whether it claims to have the containerd image store. */
  readonly isContainerd?: boolean;
  /** What it has now. */
  readonly images?: () => readonly PeerImage[];
  /** Answers `/images/get`. */
  readonly onExport?: (ids: readonly string[], response: ServerResponse) => void | Promise<void>;
  /** Answers `/images/load`. */
  readonly onLoad?: (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;
  /** Answers any other request first, and returns whether it did. */
  readonly onAny?: (path: string, response: ServerResponse) => boolean;
}

export interface ProtocolPeer extends AsyncDisposable {
  /** `unix:///tmp/…/s`. */
  readonly host: string;
  /** Paths with queries, in order, with the version. */
  readonly requests: readonly string[];
}

/** Starts the server on a socket of its own. */
export async function startProtocolPeer({
  apiVersion = '1.41',
  isContainerd = false,
  images = () => [],
  onExport,
  onLoad,
  onAny,
}: ProtocolPeerOptions = {}): Promise<ProtocolPeer> {
  const folder = await mkdtemp(join(tmpdir(), 'bfs-'));
  const requests: string[] = [];

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '', 'http://peer');
    const path = decodeURIComponent(url.pathname.replace(/^\/v[\d.]+/, ''));
    requests.push(request.url ?? '');
    if (apiVersion !== '') response.setHeader('Api-Version', apiVersion);
    if (onAny?.(path, response) === true) return;
    if (path === '/_ping') response.end('OK');
    else if (path === '/info') sendJson(response, { DriverStatus: isContainerd ? containerdStatus : [] });
    else if (path === '/images/json') sendJson(response, images().map(listed));
    else if (path === '/images/get') await onExport?.(url.searchParams.getAll('names'), response);
    else if (path === '/images/load') await onLoad?.(request, response);
    else sendInspected(response, /^\/images\/(.*)\/json$/.exec(path)?.[1] ?? '');
  };

  const sendInspected = (response: ServerResponse, name: string): void => {
    const image = images().find(({ id, names }) => id === name || names.includes(name));
    if (image !== undefined)
      sendJson(response, { Id: image.id, Size: 1000, RootFS: { Layers: image.layers } });
    else sendJson(response, { message: `No such image: ${name}` }, 404);
  };

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  const socketPath = join(folder, 's');
  server.listen(socketPath);
  await once(server, 'listening');
  return {
    host: `unix://${socketPath}`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Answers with `value`. */
export function sendJson(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
}

/** As docker 28 with containerd's store has it in GET /info. */
const containerdStatus = [['driver-type', 'io.containerd.snapshotter.v1']];

function listed({ id, names }: PeerImage): unknown {
  return { Id: id, RepoTags: names.length === 0 ? null : names };
}
