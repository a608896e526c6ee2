/** A connection to a Docker engine, with what is known of the engine before it is asked for images. */
import Dockerode from 'dockerode';
import { BundleError, describeError, findErrno } from '../../errors.ts';
import { type EngineEndpoint, findEngineEndpoint } from './engine-endpoint.ts';

export interface EngineClient {
  readonly docker: Dockerode;
  /** `docker engine at unix:///var/run/docker.sock`. */
  readonly description: string;
  /** The API version spoken: `1.41`. */
  readonly apiVersion: string;
  /** Highest API version that the engine speaks, which tells its age. */
  readonly engineApiVersion: string;
  /** Whether images lie in containerd's store: image ids are digests of manifests there, and not of configs. */
  readonly hasContainerdStore: boolean;
}

export interface ConnectEngineOptions {
  /** `unix:///path`, `tcp://host:port`; the engine of the docker command where left out. */
  readonly host?: string;
  readonly signal?: AbortSignal;
}

/** Everything that is asked for here is in this version (docker 20.10). */
const wantedApiVersion = '1.41';
const oldestApiVersion = '1.24';
const connectTimeoutMs = 10_000;

/** Connects to the engine and asks what it is. Throws invalid-argument, source-unreachable, source-failed. */
export async function connectEngine({ host, signal }: ConnectEngineOptions = {}): Promise<EngineClient> {
  const endpoint = await findEngineEndpoint(host === undefined ? {} : { host });
  const description = `docker engine at ${endpoint.url}`;
  const ask = async <T>(question: (docker: Dockerode) => Promise<T>, docker: Dockerode): Promise<T> => {
    signal?.throwIfAborted();
    try {
      return await question(docker);
    } catch (error) {
      throw isConnectionError(error) ? unreachable(endpoint, error) : engineFailed(description, error);
    }
  };
  const found = await ask((docker) => docker.version(), new Dockerode(dialOptions(endpoint)));
  const apiVersion = chooseApiVersion(found.ApiVersion, found.MinAPIVersion, description);
  const docker = new Dockerode({ ...dialOptions(endpoint), version: `v${apiVersion}` });
  const info = (await ask((engine) => engine.info() as Promise<unknown>, docker)) as {
    readonly DriverStatus?: readonly (readonly string[])[] | null;
  };
  const hasContainerdStore = (info.DriverStatus ?? []).some((row) =>
    row.includes('io.containerd.snapshotter.v1'),
  );
  return { docker, description, apiVersion, engineApiVersion: found.ApiVersion, hasContainerdStore };
}

/** What an engine answered that is no answer: source-failed with its own words. */
export function engineFailed(description: string, error: unknown): BundleError {
  const reason =
    typeof error === 'object' && error !== null && 'reason' in error && typeof error.reason === 'string'
      ? error.reason
      : describeError(error);
  return new BundleError('source-failed', `Cannot ask the ${description}: ${reason}`, { cause: error });
}

/** Whether version `a` is before `b`: `1.9` is before `1.41`. */
export function isBeforeVersion(a: string, b: string): boolean {
  const [aMajor = 0, aMinor = 0] = a.split('.').map(Number);
  const [bMajor = 0, bMinor = 0] = b.split('.').map(Number);
  return aMajor === bMajor ? aMinor < bMinor : aMajor < bMajor;
}

/** The version wanted, as far as the engine goes along. */
function chooseApiVersion(newest: string, oldest: string | undefined, description: string): string {
  if (isBeforeVersion(newest, oldestApiVersion)) {
    throw new BundleError(
      'source-failed',
      `Cannot use the ${description}: it speaks API ${newest}, and ${oldestApiVersion} is the oldest that is understood`,
    );
  }
  if (isBeforeVersion(newest, wantedApiVersion)) return newest;
  return oldest !== undefined && isBeforeVersion(wantedApiVersion, oldest) ? oldest : wantedApiVersion;
}

/** dockerode takes what is left out from DOCKER_HOST, which was looked at already: so all of it is named. */
function dialOptions(endpoint: EngineEndpoint): Dockerode.DockerOptions {
  const none = {
    host: undefined,
    socketPath: undefined,
    port: undefined,
    ca: undefined,
    cert: undefined,
    key: undefined,
  };
  switch (endpoint.kind) {
    case 'unix':
      return { ...none, protocol: 'http', socketPath: endpoint.socketPath } as Dockerode.DockerOptions;
    case 'tcp': {
      const { hostname: host, port, tls } = endpoint;
      const common = { ...none, host, port, connectionTimeout: connectTimeoutMs };
      if (tls === undefined) return { ...common, protocol: 'http' } as Dockerode.DockerOptions;
      const { ca, cert, key, isVerified } = tls;
      return {
        ...common,
        protocol: 'https',
        ca,
        cert,
        key,
        ...(!isVerified && { checkServerIdentity: () => undefined }),
      } as Dockerode.DockerOptions;
    }
    case 'ssh':
      throw new BundleError(
        'source-unreachable',
        `Cannot use the docker engine at "${endpoint.url}": ssh is not spoken`,
        {
          hint: `Forward its socket: ssh -nNT -L /tmp/engine.sock:/var/run/docker.sock ${endpoint.hostname}, and use unix:///tmp/engine.sock`,
        },
      );
  }
}

function isConnectionError(error: unknown): boolean {
  const errno = findErrno(error);
  return errno !== undefined && /^(E[A-Z]+|ERR_|CERT_|UNABLE_|DEPTH_|SELF_)/.test(errno);
}

function unreachable({ url, origin, kind }: EngineEndpoint, error: unknown): BundleError {
  const errno = findErrno(error);
  const [found, hint] =
    errno === 'ENOENT'
      ? [
          'there is no such socket',
          'Start docker (systemctl start docker), or name another engine in DOCKER_HOST or with docker:HOST.',
        ]
      : errno === 'EACCES' || errno === 'EPERM'
        ? [
            'permission denied',
            'Add this user to the group docker (usermod -aG docker USER, then log in again), or run as root.',
          ]
        : errno === 'ECONNREFUSED'
          ? [
              'nothing listens there',
              kind === 'unix'
                ? 'Start docker: systemctl start docker.'
                : 'Is docker running there, on that port?',
            ]
          : [
              describeError(error),
              'Is it the right address? DOCKER_HOST, the docker context or --from docker:HOST name it.',
            ];
  return new BundleError(
    'source-unreachable',
    `Cannot reach the docker engine at "${url}" (${origin}): ${found}`,
    {
      cause: error,
      hint,
    },
  );
}
