/** The control socket of a mount: answers this user's `status` and `refresh`, and trusts nothing that is sent. */
import { createServer, type Socket } from 'node:net';
import { dirname } from 'node:path';
import type { OpenFolder } from '../../disk/own/open-folder.ts';
import { listenAtOwnSocket } from '../../disk/own/own-socket.ts';
import { makePrivateFolder } from '../../disk/own/private-folder.ts';
import { BundleError, describeError } from '../../ground/errors.ts';
import {
  type ControlAnswer,
  type ControlRequest,
  longestRequest,
  protocolVersion,
  requestSchema,
} from './control-protocol.ts';

/** Answers `request` by any number of `answer` calls; the connection ends when it returns. */
export type ControlHandler = (
  request: ControlRequest['request'],
  answer: (answer: ControlAnswer) => void,
) => Promise<void>;

export interface ControlServerOptions {
  readonly onError: (error: unknown) => void;
  /** How long a connection may take to say what it wants. */
  readonly requestTimeoutMs?: number;
}

export interface ControlServer extends AsyncDisposable {
  readonly path: string;
}

/** Connections at once; more are hung up on. */
const connectionLimit = 32;

/**
 * Listens at `path`, in the place of whatever socket a dead daemon left there, in a folder that only this user can
 * enter. Throws mount-failed.
 */
export async function startControlServer(
  path: string,
  handler: ControlHandler,
  { onError, requestTimeoutMs = 10_000 }: ControlServerOptions,
): Promise<ControlServer> {
  const connections = new Set<Socket>();
  const server = createServer((socket) => {
    connections.add(socket);
    socket.on('close', () => connections.delete(socket));
    socket.on('error', () => undefined); // whoever asked has gone
    serveConnection(socket, handler, onError, requestTimeoutMs);
  });
  server.maxConnections = connectionLimit;
  let folder: OpenFolder;
  try {
    await makePrivateFolder(dirname(path));
    folder = await listenAtOwnSocket(server, path);
  } catch (error) {
    throw new BundleError('mount-failed', `Cannot listen at "${path}": ${describeError(error)}`, {
      cause: error,
    });
  }
  server.on('error', onError);
  return {
    path,
    async [Symbol.asyncDispose]() {
      for (const socket of connections) socket.end();
      await new Promise((resolve) => {
        server.close(resolve);
        for (const socket of connections) setTimeout(() => socket.destroy(), 1000).unref();
      });
      folder[Symbol.dispose]();
    },
  };
}

function serveConnection(
  socket: Socket,
  handler: ControlHandler,
  onError: (error: unknown) => void,
  requestTimeoutMs: number,
): void {
  const answer = (value: ControlAnswer): void => {
    if (socket.writable) socket.write(`${JSON.stringify(value)}\n`);
  };
  const refuse = (message: string): void => {
    answer({ kind: 'failed', message });
    socket.end();
    socket.destroySoon();
  };
  const timer = setTimeout(() => {
    refuse(`no request within ${requestTimeoutMs / 1000} seconds`);
  }, requestTimeoutMs);
  const received: Buffer[] = [];
  let size = 0;
  const onData = (chunk: Buffer): void => {
    received.push(chunk);
    size += chunk.length;
    const end = chunk.indexOf('\n');
    if (end < 0 && size <= longestRequest) return;
    clearTimeout(timer);
    socket.off('data', onData);
    socket.resume(); // what follows the request is thrown away
    const line = Buffer.concat(received).toString('utf8');
    const request = end < 0 ? undefined : findRequest(line.slice(0, line.indexOf('\n')));
    if (request === undefined) {
      refuse(`the request is none of version ${protocolVersion} of the protocol`);
      return;
    }
    handler(request, answer)
      .catch((error: unknown) => {
        onError(error);
        answer({ kind: 'failed', message: describeError(error) });
      })
      .finally(() => {
        socket.end();
      })
      .catch(onError);
  };
  socket.on('data', onData);
  socket.on('close', () => {
    clearTimeout(timer);
  });
}

function findRequest(line: string): ControlRequest['request'] | undefined {
  try {
    return requestSchema.safeParse(JSON.parse(line)).data?.request;
  } catch {
    return undefined;
  }
}
