/** The way through an HTTP proxy, as the environment names it. */
import { Agent as HttpAgent, type ClientRequestArgs, request as sendHttp } from 'node:http';
import { type AgentOptions as TlsAgentOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { BundleError } from '../../../ground/errors.ts';
import { isLoopback } from './insecure-registries.ts';
import { registryLimits } from './limits.ts';
import { silent } from './pace.ts';

/**
 * The proxy for `url`: of HTTPS_PROXY or HTTP_PROXY, in large or small letters, unless NO_PROXY names the host. This
 * machine is never asked through one (Go, httpproxy). Throws invalid-argument.
 */
export function findProxy(url: URL, environment: NodeJS.ProcessEnv): URL | undefined {
  const read = (name: string): string =>
    [environment[name.toLowerCase()], environment[name]].find(
      (value) => value !== undefined && value !== '',
    ) ?? '';
  const text = read(url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY');
  const hostname = url.hostname.replace(/^\[(.*)\]$/, '$1');
  if (text === '' || isLoopback(hostname) || isExcepted(hostname, url.host, read('NO_PROXY')))
    return undefined;
  const address = text.includes('://') ? text : `http://${text}`;
  // It is not shown: there may be a password in it.
  if (URL.canParse(address) && new URL(address).protocol === 'http:') return new URL(address);
  throw new BundleError(
    'invalid-argument',
    'Cannot use the proxy that the environment names: the address of an HTTP proxy was expected (http://host:port)',
    { hint: 'Look at HTTPS_PROXY, HTTP_PROXY and NO_PROXY.' },
  );
}

/** `.example.com` and `example.com` are both for all of it, as Go has it; networks are not understood. */
function isExcepted(hostname: string, host: string, list: string): boolean {
  return list
    .split(',')
    .map((word) => word.trim().toLowerCase())
    .filter((word) => word !== '')
    .some((word) => {
      if (word === '*' || word === host || word === hostname) return true;
      return hostname.endsWith(`.${word.replace(/^\*?\./, '')}`);
    });
}

/**
 * Connections through `proxy`, each a tunnel (RFC 9110 §9.3.6), with TLS inside where `tls` is given. A tunnel that is
 * silent for `patienceMs` before it is there is given up.
 */
export function createProxyAgent(
  proxy: URL,
  tls: TlsAgentOptions | undefined,
  patienceMs: number = registryLimits.silenceMs,
): TunnelAgent {
  return new TunnelAgent(proxy, tls, patienceMs);
}

export class TunnelAgent extends HttpAgent {
  readonly #proxy: URL;
  readonly #tls: TlsAgentOptions | undefined;
  readonly #patienceMs: number;

  constructor(proxy: URL, tls: TlsAgentOptions | undefined, patienceMs: number) {
    super({ keepAlive: true });
    this.#proxy = proxy;
    this.#tls = tls;
    this.#patienceMs = patienceMs;
    // Node compares the protocol of an agent with that of a request.
    Object.assign(this, tls === undefined ? {} : { protocol: 'https:', defaultPort: 443 });
  }

  override createConnection(
    options: ClientRequestArgs,
    callback: (error: Error | null, socket: Duplex) => void,
  ): undefined {
    const host = (options.host ?? '').replace(/^(.*:.*)$/, '[$1]');
    const target = `${host}:${options.port ?? options.defaultPort ?? 80}`;
    const fail = (error: Error): void => {
      (callback as (error: Error) => void)(error);
    };
    const asked = sendHttp({
      host: this.#proxy.hostname,
      port: this.#proxy.port || 80,
      method: 'CONNECT',
      path: target,
      headers: { Host: target, ...proxyLogin(this.#proxy) },
    });
    asked.on('error', fail);
    asked.setTimeout(this.#patienceMs, () => asked.destroy(silent(this.#patienceMs)));
    asked.on('connect', (answer, socket) => {
      if (answer.statusCode !== 200) {
        socket.destroy();
        fail(new Error(`the proxy ${this.#proxy.host} answered ${answer.statusCode ?? 0}`));
        return;
      }
      if (this.#tls === undefined) {
        callback(null, socket);
        return;
      }
      const { secureContext, rejectUnauthorized } = this.#tls;
      socket.setTimeout(0);
      const secured = connectTls({
        socket,
        servername: options.host ?? '',
        ...(secureContext && { secureContext }),
        ...(rejectUnauthorized !== undefined && { rejectUnauthorized }),
      });
      secured.on('error', fail);
      const giveUp = (): void => void secured.destroy(silent(this.#patienceMs));
      secured.setTimeout(this.#patienceMs, giveUp);
      secured.on('secureConnect', () => {
        secured.off('error', fail);
        secured.setTimeout(0, giveUp);
        callback(null, secured);
      });
    });
    asked.on('response', (answer) => {
      answer.resume();
      fail(new Error(`the proxy ${this.#proxy.host} answered ${answer.statusCode ?? 0}`));
    });
    asked.end();
    return undefined;
  }
}

function proxyLogin({ username, password }: URL): Record<string, string> {
  if (username === '') return {};
  const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'Proxy-Authorization': `Basic ${Buffer.from(login).toString('base64')}` };
}
