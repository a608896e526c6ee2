/** Finds out which Docker engine is meant, by the rules of the docker command. */
import { access } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { BundleError } from '../../../ground/errors.ts';
import { currentContextName, readDockerContext } from './docker-context.ts';
import { type EngineTls, readTlsFolder } from './engine-tls.ts';

/** Where an engine listens. `url` is how the user would write it, `origin` where it was found, both for messages. */
export type EngineEndpoint = UnixEndpoint | TcpEndpoint | SshEndpoint;

export interface UnixEndpoint {
  readonly kind: 'unix';
  readonly url: string;
  readonly origin: string;
  readonly socketPath: string;
}

export interface TcpEndpoint {
  readonly kind: 'tcp';
  readonly url: string;
  readonly origin: string;
  readonly hostname: string;
  readonly port: number;
  /** Plain TCP where it is undefined. */
  readonly tls: EngineTls | undefined;
}

export interface SshEndpoint {
  readonly kind: 'ssh';
  readonly url: string;
  readonly origin: string;
  readonly hostname: string;
  readonly port: number | undefined;
  readonly user: string | undefined;
}

export interface FindEngineEndpointOptions {
  /** What the user named: `unix:///path`, `tcp://host:port`, `ssh://user@host`. */
  readonly host?: string;
  /** The docker context that the user named. */
  readonly context?: string;
  readonly env?: Environment;
  readonly isRoot?: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

const systemSocketPath = '/var/run/docker.sock';

/**
 * The engine named by `host`, by `context`, by DOCKER_HOST, by DOCKER_CONTEXT, by the current context of the docker
 * command, or else the local one: the first of these that says anything, as docker/cli has it (cli/command/cli.go,
 * "resolveContextName"). Throws invalid-argument for an address that cannot be used, source-unreachable for a context
 * that cannot be read.
 */
export async function findEngineEndpoint({
  host,
  context,
  env = process.env,
  isRoot = process.getuid?.() === 0,
}: FindEngineEndpointOptions = {}): Promise<EngineEndpoint> {
  const folder = setting(env, 'DOCKER_CONFIG') ?? join(setting(env, 'HOME') ?? homedir(), '.docker');
  if (host !== undefined) return parseHost(host, 'as named', await tlsOfEnvironment(env, folder));
  const fromEnvironment = setting(env, 'DOCKER_HOST');
  if (context === undefined && fromEnvironment !== undefined) {
    return parseHost(fromEnvironment, 'from DOCKER_HOST', await tlsOfEnvironment(env, folder));
  }
  const name = context ?? setting(env, 'DOCKER_CONTEXT') ?? (await currentContextName(folder));
  if (name === undefined || name === 'default') return findLocalEndpoint(env, isRoot);
  const found = await readDockerContext(folder, name);
  return parseHost(found.host, `from the docker context "${name}"`, found.tls);
}

/** The socket of the system's engine, or where there is none and the user is not root, that of the user's own. */
async function findLocalEndpoint(env: Environment, isRoot: boolean): Promise<EngineEndpoint> {
  const runtimeFolder = setting(env, 'XDG_RUNTIME_DIR');
  if (!isRoot && runtimeFolder !== undefined && !(await exists(systemSocketPath))) {
    const own = join(runtimeFolder, 'docker.sock');
    if (await exists(own)) return unixEndpoint(own, 'the rootless one');
  }
  return unixEndpoint(systemSocketPath, 'the default');
}

function parseHost(text: string, origin: string, tls: EngineTls | undefined): EngineEndpoint {
  // A bare host:port means TCP to docker, too (docker/cli opts/hosts.go).
  const address = /^[^/]+:\d+$/.test(text) ? `tcp://${text}` : text;
  const kind = /^([a-z]+):\/\//.exec(address)?.[1];
  if (kind === 'unix') {
    const socketPath = address.slice('unix://'.length);
    if (!socketPath.startsWith('/')) throw unusable(text, origin, 'the path of its socket must be absolute');
    return unixEndpoint(socketPath, origin);
  }
  if (kind !== 'tcp' && kind !== 'ssh') {
    throw unusable(text, origin, 'an address that starts with unix://, tcp:// or ssh:// was expected');
  }
  // URL knows the ports of http only, and drops 80 there.
  const parts = parseUrl(`none${address.slice(kind.length)}`);
  if (parts === undefined || parts.hostname === '') throw unusable(text, origin, 'it names no host');
  if (!/^\/?$/.test(parts.pathname)) throw unusable(text, origin, 'a path behind the host cannot be used');
  const hostname = parts.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = parts.port === '' ? undefined : Number(parts.port);
  if (kind === 'tcp') return { kind, url: address, origin, hostname, port: port ?? (tls ? 2376 : 2375), tls };
  if (parts.password !== '') throw unusable(text, origin, 'a password in it cannot be used');
  const user = parts.username === '' ? undefined : decodeURIComponent(parts.username);
  // Both become words of a command line, where a leading dash would make them options.
  if (hostname.startsWith('-') || user?.startsWith('-') === true) {
    throw unusable(text, origin, 'no host or user starts with a dash');
  }
  return { kind, url: address, origin, hostname, port, user };
}

function unixEndpoint(socketPath: string, origin: string): UnixEndpoint {
  return { kind: 'unix', url: `unix://${socketPath}`, origin, socketPath };
}

/** docker/cli cli/flags/options.go: DOCKER_TLS_VERIFY asks for TLS, DOCKER_TLS for TLS that trusts any engine. */
async function tlsOfEnvironment(env: Environment, folder: string): Promise<EngineTls | undefined> {
  const isVerified = setting(env, 'DOCKER_TLS_VERIFY') !== undefined;
  if (!isVerified && setting(env, 'DOCKER_TLS') === undefined) return undefined;
  return readTlsFolder(setting(env, 'DOCKER_CERT_PATH') ?? folder, isVerified);
}

/** An empty variable is one that is not set. */
function setting(env: Environment, name: string): string | undefined {
  const value = env[name];
  return value === '' ? undefined : value;
}

function parseUrl(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}

function unusable(text: string, origin: string, why: string): BundleError {
  return new BundleError(
    'invalid-argument',
    `Cannot use the docker engine at "${text}" (${origin}): ${why}`,
    { hint: 'For example unix:///var/run/docker.sock, tcp://build-host:2376 or ssh://user@build-host.' },
  );
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
