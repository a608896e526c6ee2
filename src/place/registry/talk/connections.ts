/** The connections to a registry and to the hosts that it sends one to: with which certificates, and whether with TLS at all. */
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { connect as connectTls } from 'node:tls';
import { findErrno } from '../../../ground/errors.ts';
import { hostnameOf, isInsecureRegistry } from './insecure-registries.ts';
import { createProxyAgent, findProxy } from './proxy.ts';
import { readRegistryTls, type RegistryTls } from './registry-tls.ts';

export interface Connections {
  /** Where the registry answers: `https://registry.example:5000`. Throws source-unreachable, and what the socket throws. */
  findBase(): Promise<URL>;
  /** The connections to the host of `url`. Throws source-unreachable. */
  findAgent(url: URL): Promise<HttpAgent>;
  /** Whether nobody else can read what is sent to `url`, or the user has said that it does not matter. */
  isSafe(url: URL): Promise<boolean>;
  close(): void;
}

/** Some servers say nothing at all to what they take for noise. */
const probeTimeoutMs = 10_000;

/** Connections to the registry `host`, and from there. */
export function openConnections(host: string, environment: NodeJS.ProcessEnv): Connections {
  const address = host === 'docker.io' ? 'registry-1.docker.io' : host;
  const agents = new Map<string, Promise<HttpAgent>>();
  let base: Promise<URL> | undefined;
  const makeAgent = async (url: URL): Promise<HttpAgent> => {
    const proxy = findProxy(url, environment);
    if (url.protocol === 'http:') {
      return proxy === undefined ? new HttpAgent({ keepAlive: true }) : createProxyAgent(proxy, undefined);
    }
    // The registry's own address has its port even where that is the usual one.
    const name = url.origin === new URL(`https://${address}`).origin ? address : url.host;
    const tls = await readRegistryTls(name, environment);
    const isVerified = tls.hasOwn || !(await isInsecureRegistry(name, environment));
    const options = { keepAlive: true, secureContext: tls.context, rejectUnauthorized: isVerified };
    return proxy === undefined ? new HttpsAgent(options) : createProxyAgent(proxy, options);
  };
  return {
    findBase() {
      base ??= chooseBase(address, environment);
      // What failed may be the network's mood: the next try asks again.
      base.catch(() => (base = undefined));
      return base;
    },
    findAgent(url) {
      const agent = agents.get(url.origin) ?? makeAgent(url);
      agents.set(url.origin, agent);
      return agent;
    },
    async isSafe(url) {
      return url.protocol === 'https:' || (await isInsecureRegistry(url.host, environment));
    },
    close() {
      for (const agent of agents.values()) {
        agent.then(
          (open) => {
            open.destroy();
          },
          () => undefined,
        );
      }
    },
  };
}

/**
 * With TLS, but for a registry that need not prove who it is and does not speak it: docker tries the same. One that has
 * certificates of its own in certs.d is never spoken to without.
 */
async function chooseBase(address: string, environment: NodeJS.ProcessEnv): Promise<URL> {
  const secure = new URL(`https://${address}`);
  if (!(await isInsecureRegistry(address, environment))) return secure;
  const tls = await readRegistryTls(address, environment);
  if (tls.hasOwn) return secure;
  const proxy = findProxy(secure, environment);
  const isSecure =
    proxy === undefined ? await speaksTls(address, tls) : await speaksTlsThrough(proxy, secure, tls);
  if (isSecure) return secure;
  return new URL(`http://${address}`);
}

/** Why it may not, a request without TLS tells. */
function speaksTlsThrough(proxy: URL, { hostname, port }: URL, { context }: RegistryTls): Promise<boolean> {
  const agent = createProxyAgent(proxy, { secureContext: context, rejectUnauthorized: false });
  return new Promise((resolve) => {
    agent.createConnection({ host: hostname, port: port || 443 }, (error, socket) => {
      if (error === null) socket.destroy();
      agent.destroy();
      resolve(error === null);
    });
  });
}

/** Throws where there is no connection at all. */
function speaksTls(address: string, { context }: RegistryTls): Promise<boolean> {
  const port = Number(/:(\d+)$/.exec(address)?.[1] ?? 443);
  return new Promise((resolve, reject) => {
    const socket = connectTls({
      host: hostnameOf(address),
      port,
      secureContext: context,
      rejectUnauthorized: false,
    });
    socket.setTimeout(probeTimeoutMs, () => {
      socket.destroy();
      resolve(false);
    });
    socket.on('secureConnect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', (error: Error) => {
      // Without a port, a registry without TLS is on port 80.
      const isAway = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'];
      if (isAway.includes(findErrno(error) ?? '') && /:\d+$/.test(address)) reject(error);
      else resolve(false);
    });
  });
}
