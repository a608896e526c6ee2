/** Which engine is asked, whether it answers, and what its kind means for bundlefs. */
import { findPlace } from '../place/place.ts';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { BundleError, isBundleError } from '../ground/errors.ts';
import { connectEngine, type EngineConnection } from '../place/engine/talk/engine-connection.ts';
import { type EngineEndpoint, findEngineEndpoint } from '../place/engine/talk/engine-endpoint.ts';
import { describeEngine as describeEndpoint } from '../place/engine/talk/engine-error.ts';
import { askEngineFacts, type EngineFacts } from '../place/engine/talk/engine-facts.ts';
import { type CheckContext, type Finding, ok, problemOf, warning } from './finding.ts';

/** A clock that is so far off is noticed elsewhere, too: by TLS, by what is "created" when. */
const mostClockSkewMs = 5 * 60_000;

export async function checkEngine(context: CheckContext): Promise<Finding[]> {
  const { from, environment, isRoot, signal } = context;
  const place = findPlace(from === '' ? undefined : from);
  if (place?.kind !== 'engine') return [ok('engine', `not asked: images come from "${from ?? ''}"`)];
  const { host } = place;
  try {
    const endpoint = await findEngineEndpoint({
      env: environment,
      isRoot,
      host,
    });
    return await withEngine(endpoint, context, (connection, limited) =>
      describeEngine(connection, limited, context),
    );
  } catch (error) {
    signal.throwIfAborted();
    return [problemOf('engine', error)];
  }
}

/** Podman answers as an engine does, where its service runs; one finding for each socket that there is. */
export async function checkPodman(context: CheckContext): Promise<Finding[]> {
  const { environment, signal } = context;
  const runtimeFolder = environment['XDG_RUNTIME_DIR'] ?? '';
  const folders = runtimeFolder.startsWith('/') ? [runtimeFolder, '/run'] : ['/run'];
  const findings: Finding[] = [];
  for (const socketPath of folders.map((folder) => join(folder, 'podman/podman.sock'))) {
    if (!(await isThere(socketPath))) continue;
    const url = `unix://${socketPath}`;
    try {
      const endpoint = { kind: 'unix', url, origin: 'the one of podman', socketPath } as const;
      await withEngine(endpoint, context, async (connection, limited) => {
        const { version } = await askEngineFacts(connection, { signal: limited });
        findings.push(ok('podman', `${version}, use it with --from docker:${url}`));
      });
    } catch (error) {
      signal.throwIfAborted();
      const { text, cure } = problemOf('podman', error);
      findings.push(warning('podman', text, cure));
    }
  }
  return findings;
}

async function withEngine<T>(
  endpoint: EngineEndpoint,
  { signal, engineTimeoutMs }: CheckContext,
  action: (connection: EngineConnection, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const timeout = AbortSignal.timeout(engineTimeoutMs);
  const limited = AbortSignal.any([signal, timeout]);
  try {
    const connection = await connectEngine(endpoint, { signal: limited });
    try {
      return await action(connection, limited);
    } finally {
      connection.close();
    }
  } catch (error) {
    if (!timeout.aborted || isBundleError(error)) throw error;
    throw new BundleError(
      'source-unreachable',
      `Cannot reach ${describeEndpoint(endpoint)} (${endpoint.origin}): no answer within ${engineTimeoutMs / 1000} seconds`,
      { cause: error, hint: 'See whether this works: docker version' },
    );
  }
}

async function describeEngine(
  connection: EngineConnection,
  signal: AbortSignal,
  context: CheckContext,
): Promise<Finding[]> {
  const facts = await askEngineFacts(connection, { signal });
  const { endpoint, apiVersion } = connection;
  const what = `${facts.version}, API ${apiVersion}, at ${endpoint.url} (${endpoint.origin})`;
  return [ok('engine', what), describeStore(facts), ...checkLine(endpoint), ...checkSkew(facts, context)];
}

/** docs/decisions/0006 and 0011 have what was measured. */
function describeStore({ driver, hasContainerdStore, version }: EngineFacts): Finding {
  const subject = 'engine store';
  if (hasContainerdStore === undefined) {
    return warning(
      subject,
      'not known, for GET /info is denied: images are exported one by one, and loaded with all their layers',
      'INFO=1, where a socket proxy stands in front of the engine',
    );
  }
  if (hasContainerdStore) {
    return warning(
      subject,
      `${driver}, containerd's: may export images without some layers, after pulls over loaded images; bundlefs refuses such an image`,
      'skopeo copy docker://NAME docker-archive:FILE:NAME and --from FILE, for an image that is refused',
    );
  }
  const isNewer = Number(version.split('.')[0]) >= 25;
  const how = isNewer
    ? 'images are exported one by one, for several at once leave layers on its disk'
    : 'new images are exported together';
  if (driver !== 'vfs') return ok(subject, `${driver}: ${how}`);
  return warning(
    subject,
    `vfs: every layer is a whole copy on its disk, and exports are slow`,
    'Put its data on ext4 or xfs, so that it can use overlay2',
  );
}

/** A line to another machine. */
function checkLine(endpoint: EngineEndpoint): Finding[] {
  if (endpoint.kind !== 'tcp' || endpoint.tls !== undefined) return [];
  if (/^(localhost|127\.\d+\.\d+\.\d+|::1)$/.test(endpoint.hostname)) return [];
  return [
    warning(
      'engine line',
      `${endpoint.url} is not encrypted: whoever can reach that port is root there`,
      'Use TLS (DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH) or ssh://USER@HOST',
    ),
  ];
}

function checkSkew({ timeMs }: EngineFacts, { nowMs }: CheckContext): Finding[] {
  if (timeMs === undefined || Math.abs(timeMs - nowMs) < mostClockSkewMs) return [];
  const minutes = Math.round(Math.abs(timeMs - nowMs) / 60_000);
  return [
    warning(
      'engine clock',
      `${minutes} minutes ${timeMs > nowMs ? 'ahead of' : 'behind'} the clock of this machine`,
      'timedatectl set-ntp true, on the machine whose clock is wrong',
    ),
  ];
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
