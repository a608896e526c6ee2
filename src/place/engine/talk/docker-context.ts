/** Reads the contexts of the docker command (docker/cli cli/context/store). */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import * as z from 'zod';
import { BundleError, describeError, findErrno } from '../../../ground/errors.ts';
import { checkShape } from '../../../ground/explain-shape.ts';
import { readSmallFile } from '../../../disk/read-small-file.ts';
import { type EngineTls, readTlsFolder } from './engine-tls.ts';

export interface DockerContext {
  /** The engine's address: `unix:///path`, `tcp://host:port`, `ssh://user@host`. */
  readonly host: string;
  readonly tls: EngineTls | undefined;
}

const configSchema = z.object({ currentContext: z.string().optional() });

const contextSchema = z.object({
  Endpoints: z.object({ docker: z.object({ Host: z.string(), SkipTLSVerify: z.boolean().optional() }) }),
});

const hint = 'See what there is with: docker context ls. Or name the engine with DOCKER_HOST.';

/**
 * The context chosen with `docker context use`, or undefined. `folder` is where docker keeps its configuration.
 * Throws source-unreachable where config.json cannot be read.
 */
export async function currentContextName(folder: string): Promise<string | undefined> {
  const path = join(folder, 'config.json');
  const text = await findText(path);
  if (text === undefined || text.trim() === '') return undefined;
  const { currentContext = '' } = parse(text, configSchema, path);
  return currentContext === '' ? undefined : currentContext;
}

/** The engine of the context `name`. Throws source-unreachable where there is none, or it cannot be read. */
export async function readDockerContext(folder: string, name: string): Promise<DockerContext> {
  const id = createHash('sha256').update(name).digest('hex');
  const path = join(folder, 'contexts', 'meta', id, 'meta.json');
  const text = await findText(path);
  if (text === undefined) {
    throw new BundleError(
      'source-unreachable',
      `Cannot find the docker context "${name}": there is none in "${folder}"`,
      { hint },
    );
  }
  const { Host, SkipTLSVerify = false } = parse(text, contextSchema, path).Endpoints.docker;
  const tls = await readTlsFolder(join(folder, 'contexts', 'tls', id, 'docker'), !SkipTLSVerify);
  const hasTls = SkipTLSVerify || tls.ca !== undefined || tls.cert !== undefined;
  return { host: Host, tls: hasTls ? tls : undefined };
}

async function findText(path: string): Promise<string | undefined> {
  try {
    return (await readSmallFile(path, { limitMiB: 4 })).toString('utf8');
  } catch (error) {
    const errno = findErrno(error);
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return undefined;
    throw unreadable(path, describeError(error), error);
  }
}

function parse<T>(text: string, schema: z.ZodType<T>, path: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw unreadable(path, 'it is not JSON', error);
  }
  const shaped = checkShape(value, schema);
  if (shaped.isRight) return shaped.data;
  throw unreadable(path, `it does not say which engine is meant: ${shaped.fault}`, shaped.cause);
}

function unreadable(path: string, why: string, cause: unknown): BundleError {
  return new BundleError('source-unreachable', `Cannot read "${path}": ${why}`, { cause, hint });
}
