/** Certificates and keys for an engine that listens on TCP with TLS. */
import { join } from 'node:path';
import { BundleError, describeError, findErrno } from '../../../ground/errors.ts';
import { readSmallFile } from '../../../disk/read-small-file.ts';

/** PEM files as docker names them, those that there are. */
export interface EngineTls {
  readonly ca: Buffer | undefined;
  readonly cert: Buffer | undefined;
  readonly key: Buffer | undefined;
  /** Whether the engine must show a certificate that `ca`, or else the system, trusts. */
  readonly isVerified: boolean;
}

/** Reads `ca.pem`, `cert.pem` and `key.pem` in `folder`, each of which may be missing. Throws source-unreachable. */
export async function readTlsFolder(folder: string, isVerified: boolean): Promise<EngineTls> {
  const [ca, cert, key] = await Promise.all(
    ['ca.pem', 'cert.pem', 'key.pem'].map((name) => findFile(join(folder, name))),
  );
  return { ca, cert, key, isVerified };
}

async function findFile(path: string): Promise<Buffer | undefined> {
  try {
    return await readSmallFile(path, { limitMiB: 4 });
  } catch (error) {
    const errno = findErrno(error);
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return undefined;
    throw new BundleError('source-unreachable', `Cannot read "${path}": ${describeError(error)}`, {
      cause: error,
      hint: 'The docker engine cannot be asked without it. Check the permissions of the file.',
    });
  }
}
