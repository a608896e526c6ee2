/** Turns what goes wrong between bundlefs and an engine into errors that say what to do. */
import { BundleError, describeError, findErrno, isBundleError } from '../../../ground/errors.ts';
import type { EngineRequest } from './dial-engine.ts';
import type { EngineEndpoint } from './engine-endpoint.ts';
import { describeRefusal, isDenial } from './read-answer.ts';

/** What the engine at `endpoint` is called in messages. */
export function describeEngine({ url }: Pick<EngineEndpoint, 'url'>): string {
  return `the docker engine at ${url}`;
}

/** The error for an engine that cannot be reached at all. */
export function engineUnreachable(endpoint: EngineEndpoint, error: unknown): BundleError {
  if (isBundleError(error)) return error;
  const { reason, hint } = explain(endpoint, findErrno(error) ?? '', error);
  return new BundleError(
    'source-unreachable',
    `Cannot reach ${describeEngine(endpoint)} (${endpoint.origin}): ${reason}`,
    { cause: error, hint },
  );
}

/** The error for a connection that broke while `what` was going on: `export "app:1"`. */
export function engineFailed(endpoint: EngineEndpoint, what: string, error: unknown): BundleError {
  if (isBundleError(error)) return error;
  const hasHungUp = ['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE'].includes(findErrno(error) ?? '');
  const reason = hasHungUp ? 'it hung up before the end' : describeError(error);
  return new BundleError('source-failed', `Cannot ${what} at ${describeEngine(endpoint)}: ${reason}`, {
    cause: error,
    ...(hasHungUp && { hint: 'Its log may say why, for it or its disk may be full: journalctl -u docker' }),
  });
}

/**
 * The error for an answer of another status than wanted; `text` is all that it says: access-denied where it comes from
 * something in front of the engine, source-failed otherwise.
 */
export function engineRefused(
  endpoint: EngineEndpoint,
  request: Pick<EngineRequest, 'what' | 'method' | 'path'>,
  status: number,
  text: string,
): BundleError {
  const { what, method = 'GET', path } = request;
  const reason = describeRefusal(text) || 'and gave no reason';
  const start = `Cannot ${what} at ${describeEngine(endpoint)}: it answered ${status}`;
  if (!isDenial(status, text)) return new BundleError('source-failed', `${start}, ${reason}`);
  return new BundleError('access-denied', `${start} to ${method} ${path}, ${reason}`, {
    hint: `A proxy in front of the engine denies that. One for its socket has settings for it: ${settingsFor(method, path)}`,
  });
}

/** Of the socket proxies of Tecnativa and linuxserver.io: a variable for each section of the API, and one for all that changes anything. */
function settingsFor(method: string, path: string): string {
  const section = /^\/_?([a-z]+)/.exec(path)?.[1] ?? '';
  return [section.toUpperCase(), ...(method === 'GET' ? [] : ['POST'])]
    .map((name) => `${name}=1`)
    .join(' and ');
}

interface Explanation {
  readonly reason: string;
  readonly hint: string;
}

function explain(endpoint: EngineEndpoint, errno: string, error: unknown): Explanation {
  if (endpoint.kind === 'unix') return explainSocket(endpoint.socketPath, errno, error);
  if (endpoint.kind === 'ssh') {
    return {
      reason: describeError(error),
      hint: `Try it by hand, for it must work without a question: ssh ${endpoint.url.slice('ssh://'.length)} docker version`,
    };
  }
  return explainTcp(endpoint.port, endpoint.tls !== undefined, errno, error);
}

function explainSocket(path: string, errno: string, error: unknown): Explanation {
  switch (errno) {
    case 'ENOENT':
    case 'ENOTDIR':
      return {
        reason: `there is no socket "${path}"`,
        hint: 'Start docker (systemctl start docker), or say where it is: DOCKER_HOST, or docker:unix:///PATH behind --from or --into.',
      };
    case 'ECONNREFUSED':
      return {
        reason: `nothing listens on the socket "${path}"`,
        hint: 'It is left over from an engine that stopped. Start docker: systemctl start docker',
      };
    case 'EACCES':
    case 'EPERM':
      return {
        reason: `permission denied for the socket "${path}"`,
        hint: 'Add yourself to its group and log in again (sudo usermod -aG docker $USER), or use sudo.',
      };
    case 'ENOTSOCK':
      return { reason: `"${path}" is not a socket`, hint: 'Say with DOCKER_HOST where docker is.' };
    default:
      return { reason: describeError(error), hint: 'See whether this works: docker version' };
  }
}

function explainTcp(port: number, hasTls: boolean, errno: string, error: unknown): Explanation {
  switch (errno) {
    case 'ECONNREFUSED':
      return {
        reason: `nothing listens on port ${port}`,
        hint: 'Start docker there, and have it listen: dockerd -H tcp://… (2376 with TLS, 2375 without).',
      };
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return { reason: 'the name of its host is not known', hint: 'Check the address and the network.' };
    case 'ECONNRESET':
    case 'EPROTO':
      return {
        reason: hasTls ? 'it does not answer with TLS' : 'it hung up; it may want TLS',
        hint: 'For TLS set DOCKER_TLS_VERIFY=1, and DOCKER_CERT_PATH to the folder with ca.pem, cert.pem and key.pem.',
      };
    default:
      return {
        reason: describeError(error),
        hint: 'Check the address, and with TLS the certificates in DOCKER_CERT_PATH.',
      };
  }
}
