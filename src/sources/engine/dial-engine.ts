/** Sends one request to an engine; the owner of dockerode. */
import { Agent as HttpAgent, IncomingMessage } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Readable } from 'node:stream';
import Docker from 'dockerode';
import { BundleError, describeError } from '../../errors.ts';
import type { EngineEndpoint } from './engine-endpoint.ts';
import { createSshAgent } from './ssh-agent.ts';

export interface EngineRequest {
  /** What it is for, behind "Cannot": `list images`. */
  readonly what: string;
  readonly method?: 'GET' | 'POST';
  /** Without the version: `/images/json`. */
  readonly path: string;
  /** A list gives one `name=value` for each. */
  readonly query?: Readonly<Record<string, string | readonly string[]>>;
  /** The bytes to send, at the engine's pace. Remains the caller's to destroy. */
  readonly body?: Readable;
  /** Breaks off the request, and the answer's body. */
  readonly signal?: AbortSignal;
}

/** The body must be read to its end or destroyed. */
export interface EngineAnswer {
  readonly status: number;
  readonly body: IncomingMessage;
}

/** Any answer is taken as one: dockerode loses what refusals say. */
const anyStatus = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [100 + index, true]));

/** Resolves with the answer's start. Throws what the socket, TLS or ssh throws, and AbortError. */
export function dialEngine(docker: Docker, request: EngineRequest): Promise<EngineAnswer> {
  const { method = 'GET', path, query, body, signal } = request;
  return new Promise((resolve, reject) => {
    docker.modem.dial(
      {
        method,
        path: query === undefined ? path : `${path}?`,
        ...(query && { options: { _query: query, _body: {} } }),
        // Without it dockerode reads the body itself, and waits for ever where the engine hangs up in the middle.
        isStream: true,
        statusCodes: anyStatus,
        ...(body && { file: body }),
        ...(signal && { abortSignal: signal }),
      },
      (error, result) => {
        if (error !== null) reject(error);
        else if (result instanceof IncomingMessage) resolve({ status: result.statusCode ?? 0, body: result });
        else reject(new TypeError('dockerode gave no stream'));
      },
    );
  });
}

/**
 * dockerode for `endpoint`, through `agent`; `version` is that of the API, the engine's newest where left out. Throws
 * source-unreachable where dockerode cannot bear the environment, even if it is not to be used.
 */
export function createDocker(endpoint: EngineEndpoint, agent: HttpAgent, version?: string): Docker {
  // Whatever is left out dockerode takes from the environment, which findEngineEndpoint has seen to.
  const nothing = { host: undefined, port: undefined, socketPath: undefined, timeout: undefined };
  const common = { ...nothing, ca: undefined, cert: undefined, key: undefined, agent, version };
  try {
    return new Docker({ ...common, ...placeOf(endpoint) });
  } catch (error) {
    throw new BundleError(
      'source-unreachable',
      `Cannot use DOCKER_HOST and DOCKER_CERT_PATH of the environment: ${describeError(error)}`,
      { cause: error, hint: 'Correct or unset them.' },
    );
  }
}

function placeOf(endpoint: EngineEndpoint): Docker.DockerOptions {
  switch (endpoint.kind) {
    case 'unix':
      return { protocol: 'http', socketPath: endpoint.socketPath };
    case 'tcp': {
      const { hostname, port, tls } = endpoint;
      return { protocol: tls === undefined ? 'http' : 'https', host: hostname, port };
    }
    case 'ssh':
      return { protocol: 'http', host: 'docker', port: 80 };
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
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
  });
}
