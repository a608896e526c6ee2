/** Which certificates a registry is trusted by, and which one it is shown: where docker looks for them. */
import { readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';
import { BundleError, describeError, findErrno } from '../../../ground/errors.ts';
import { readSmallFile } from '../../../disk/read-small-file.ts';

export interface RegistryTls {
  readonly context: SecureContext;
  /** Whether there is a folder of certificates for this host. */
  readonly hasOwn: boolean;
}

/** Where distributions keep what they trust (Go, crypto/x509/root_linux.go). Node has a list of its own, and does not look. */
const systemBundles = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/**
 * Certificates for `host` (`registry.example:5000`): the system's, and of `certs.d/<host>` every `*.crt` as an authority,
 * and `*.cert` with `*.key` to show (docker docs, "Verify repository client with certificates"). Throws source-unreachable.
 */
export async function readRegistryTls(host: string, environment: NodeJS.ProcessEnv): Promise<RegistryTls> {
  const own = await findOwnFiles(host, environment);
  const contents = async (ending: string): Promise<Buffer[]> =>
    Promise.all((own ?? []).filter((path) => path.endsWith(ending)).map(readCertificate));
  const [system, authorities, certs, keys] = await Promise.all([
    readSystemBundle(environment),
    contents('.crt'),
    contents('.cert'),
    contents('.key'),
  ]);
  try {
    const context = createSecureContext({
      ca: [...(system === undefined ? rootCertificates : [system]), ...authorities],
      ...(certs.length > 0 && { cert: certs }),
      ...(keys.length > 0 && { key: keys }),
    });
    return { context, hasOwn: own !== undefined };
  } catch (error) {
    throw new BundleError(
      'source-unreachable',
      `Cannot use the certificates for ${host}: ${describeError(error)}`,
      {
        cause: error,
        hint: `Look at the files in certs.d/${host}: PEM was expected, and a .key for each .cert.`,
      },
    );
  }
}

/** The first folder there is of those of docker without root and with it; its files, sorted. */
async function findOwnFiles(host: string, environment: NodeJS.ProcessEnv): Promise<string[] | undefined> {
  const chosen = environment['XDG_CONFIG_HOME'] ?? '';
  const configHome = chosen === '' ? join(homedir(), '.config') : chosen;
  for (const root of [join(configHome, 'docker'), '/etc/docker']) {
    const folder = join(root, 'certs.d', host);
    try {
      return (await readdir(folder)).sort().map((name) => join(folder, name));
    } catch (error) {
      if (!['ENOENT', 'ENOTDIR'].includes(findErrno(error) ?? '')) throw unreadable(folder, error);
    }
  }
  return undefined;
}

async function readCertificate(path: string): Promise<Buffer> {
  try {
    return await readSmallFile(path, { limitMiB: 4 });
  } catch (error) {
    throw unreadable(path, error);
  }
}

async function readSystemBundle(environment: NodeJS.ProcessEnv): Promise<Buffer | undefined> {
  const chosen = environment['SSL_CERT_FILE'];
  for (const path of chosen ? [chosen] : systemBundles) {
    const content = await readSmallFile(path).catch(() => undefined);
    if (content !== undefined) return content;
  }
  return undefined;
}

function unreadable(path: string, error: unknown): BundleError {
  return new BundleError('source-unreachable', `Cannot read "${path}": ${describeError(error)}`, {
    cause: error,
    hint: 'The registry cannot be asked without its certificates. Check the permissions of the file.',
  });
}
