import { execFile } from 'node:child_process';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { openEngineSource } from '../../../src/place/engine/engine-source.ts';
import { makeTempFolder } from '../../support/temp-folder.ts';
import { startEngine, type ThrowawayEngine } from '../../support/throwaway-engine.ts';
import { makeCertificates, startTlsFront } from '../../support/tls-front.ts';

const run = promisify(execFile);

let engine: ThrowawayEngine;

beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine[Symbol.asyncDispose]());
afterEach(() => {
  vi.unstubAllEnvs();
});

/** A folder with a program `ssh`, which the search path has before all others. */
async function standInForSsh(script: string): Promise<string> {
  const folder = await makeTempFolder();
  await writeFile(join(folder, 'ssh'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  vi.stubEnv('PATH', `${folder}:${process.env['PATH'] ?? ''}`);
  return folder;
}

/** Makes a socket whose process ends without removing it. */
async function leaveSocket(path: string): Promise<void> {
  const script = 'require("net").createServer().listen(process.argv[1], () => process.kill(process.pid, 9))';
  await run(process.execPath, ['-e', script, path]).catch(() => undefined);
  expect((await stat(path)).isSocket()).toBe(true);
}

/** Opens the source and closes it again; returns what it calls itself. */
async function tryEngine(host?: string): Promise<string> {
  const source = await openEngineSource(host === undefined ? {} : { host });
  await source.close();
  return source.description;
}

describe('openEngineSource', () => {
  it('goes through ssh', async () => {
    // What sshd does: it runs the command behind the host.
    const folder = await standInForSsh(
      `echo "$@" > "$(dirname "$0")/words"; while [ "$1" != -- ]; do shift; done; shift 2; DOCKER_HOST=${engine.host} exec "$@"`,
    );
    expect(await tryEngine('ssh://me@far:2222')).toBe('the docker engine at ssh://me@far:2222');
    expect(await readFile(join(folder, 'words'), 'utf8')).toContain(
      '-l me -p 2222 -- far docker system dial-stdio',
    );
  });

  it('says what ssh says where it does not get through', async () => {
    await standInForSsh('echo "Host key verification failed." >&2; exit 255');
    await expect(tryEngine('ssh://far')).rejects.toMatchObject({
      code: 'source-unreachable',
      message: expect.stringContaining('Host key verification failed') as string,
    });
    vi.stubEnv('PATH', '/nowhere');
    await expect(tryEngine('ssh://far')).rejects.toMatchObject({
      code: 'source-unreachable',
      message: expect.stringContaining('ssh could not be started') as string,
    });
  });

  it('goes through TLS, where both sides trust each other', async () => {
    const folder = await makeTempFolder();
    await makeCertificates(folder);
    await using front = await startTlsFront(folder, engine.host);
    vi.stubEnv('DOCKER_HOST', front.url);
    vi.stubEnv('DOCKER_TLS_VERIFY', '1');
    vi.stubEnv('DOCKER_CERT_PATH', folder);
    expect(await tryEngine()).toBe(`the docker engine at ${front.url}`);

    const strangers = await makeTempFolder();
    await makeCertificates(strangers);
    vi.stubEnv('DOCKER_CERT_PATH', strangers);
    await expect(tryEngine(front.url)).rejects.toMatchObject({
      code: 'source-unreachable',
      message: expect.stringContaining('certificate') as string,
    });
    vi.stubEnv('DOCKER_TLS_VERIFY', '');
    await expect(tryEngine(front.url)).rejects.toMatchObject({ code: 'source-unreachable' });
  });

  it('does not look at DOCKER_HOST and DOCKER_CERT_PATH where an engine is named', async () => {
    vi.stubEnv('DOCKER_HOST', 'tcp://127.0.0.1:1');
    vi.stubEnv('DOCKER_CERT_PATH', await makeTempFolder());
    expect(await tryEngine(engine.host)).toBe(`the docker engine at ${engine.host}`);
  });

  it('says that there is no socket, or that nothing listens on it', async () => {
    const folder = await makeTempFolder();
    const path = join(folder, 's');
    const failure = (found: string): object => ({
      code: 'source-unreachable',
      message: `Cannot reach the docker engine at unix://${path} (as named): ${found}`,
    });
    await expect(tryEngine(`unix://${path}`)).rejects.toMatchObject(failure(`there is no socket "${path}"`));
    await leaveSocket(path);
    await expect(tryEngine(`unix://${path}`)).rejects.toMatchObject(
      failure(`nothing listens on the socket "${path}"`),
    );
  });

  it('says which port of which host nothing listens on', async () => {
    await expect(tryEngine('tcp://127.0.0.1:1')).rejects.toMatchObject({
      code: 'source-unreachable',
      message: expect.stringContaining('nothing listens on port 1') as string,
    });
  });
});
