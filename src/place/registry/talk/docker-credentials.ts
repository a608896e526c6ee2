/** What the docker command keeps of logins: its config file, and the helpers that it names. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { BundleError, describeError, findErrno } from '../../../ground/errors.ts';
import { checkShape } from '../../../ground/explain-shape.ts';
import { readSmallFile } from '../../../disk/read-small-file.ts';
import { askCredentialHelper } from './credential-helper.ts';

/** Never to be put into a message, a log or the journal. */
export type Credentials =
  | { readonly kind: 'basic'; readonly user: string; readonly password: string }
  /** What a login with a browser gives: it is changed for tokens (distribution docs/spec/auth/oauth). */
  | { readonly kind: 'identity'; readonly token: string }
  /** A token that is shown as it is. */
  | { readonly kind: 'bearer'; readonly token: string };

export interface FoundCredentials {
  readonly credentials: Credentials | undefined;
  /** Why there may be others that could not be had: for the hint of a refusal. */
  readonly problem?: string;
}

const text = z.string().nullish();
const configSchema = z.object({
  auths: z
    .record(
      z.string(),
      z.object({ auth: text, username: text, password: text, identitytoken: text, registrytoken: text }),
    )
    .nullish(),
  credHelpers: z.record(z.string(), z.string()).nullish(),
  credsStore: text,
});

type DockerConfig = z.infer<typeof configSchema>;

/** Docker Hub is called so in the config file, for reasons of history. */
const hubKey = 'https://index.docker.io/v1/';

/**
 * The login for `host`, as the docker command would find it: of the helper for it, of the helper for all, or of the file
 * (docker/cli cli/config/configfile). Throws access-denied where the file cannot be read.
 */
export async function findCredentials(
  host: string,
  environment: NodeJS.ProcessEnv,
): Promise<FoundCredentials> {
  const chosen = environment['DOCKER_CONFIG'] ?? '';
  const path = join(chosen === '' ? join(homedir(), '.docker') : chosen, 'config.json');
  const config = await readConfig(path);
  if (config === undefined) return { credentials: undefined };
  const key = host === 'docker.io' ? hubKey : host;
  const helper = config.credHelpers?.[key] ?? config.credHelpers?.[host] ?? config.credsStore;
  if (!helper) return { credentials: findInFile(config, host) };
  const { secret, problem } = await askCredentialHelper(helper, key, environment);
  const credentials =
    secret === undefined
      ? findInFile(config, host)
      : secret.Username === '<token>'
        ? { kind: 'identity' as const, token: secret.Secret }
        : { kind: 'basic' as const, user: secret.Username, password: secret.Secret };
  return { credentials, problem };
}

async function readConfig(path: string): Promise<DockerConfig | undefined> {
  let content: string;
  try {
    content = (await readSmallFile(path, { limitMiB: 4 })).toString('utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(findErrno(error) ?? '')) return undefined;
    throw unreadable(path, findErrno(error) ?? describeError(error));
  }
  // What JSON.parse throws shows some of the text, in which logins are.
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch {
    throw unreadable(path, 'it is not JSON');
  }
  const shaped = checkShape(value, configSchema);
  if (shaped.isRight) return shaped.data;
  throw unreadable(path, shaped.fault);
}

function unreadable(path: string, reason: string): BundleError {
  return new BundleError('access-denied', `Cannot read logins from "${path}": ${reason}`, {
    hint: 'Mend the file, or name the folder of another one with DOCKER_CONFIG.',
  });
}

function findInFile({ auths }: DockerConfig, host: string): Credentials | undefined {
  const entries = Object.entries(auths ?? {});
  const [, entry] =
    entries.find(([key]) => key === (host === 'docker.io' ? hubKey : host)) ??
    entries.find(([key]) => hostOfKey(key) === host) ??
    [];
  if (entry === undefined) return undefined;
  if (entry.identitytoken) return { kind: 'identity', token: entry.identitytoken };
  if (entry.registrytoken) return { kind: 'bearer', token: entry.registrytoken };
  if (entry.auth) {
    const decoded = Buffer.from(entry.auth, 'base64').toString('utf8');
    const colon = decoded.indexOf(':');
    // docker trims zeros that old versions put behind it.
    if (colon > 0) {
      return {
        kind: 'basic',
        user: decoded.slice(0, colon),
        password: decoded.slice(colon + 1).replace(/\0+$/, ''),
      };
    }
  }
  return entry.username && entry.password
    ? { kind: 'basic', user: entry.username, password: entry.password }
    : undefined;
}

/** Keys may be addresses: `https://registry.example/v1/`. */
function hostOfKey(key: string): string {
  const host = key.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
  return ['index.docker.io', 'registry-1.docker.io'].includes(host) ? 'docker.io' : host;
}
