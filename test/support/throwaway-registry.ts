/** A registry of its own for one test: docker's, on a free port, with nothing in it. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { vi } from 'vitest';
import { writeHybridArchive } from '../fixtures/write-hybrid-archive.ts';
import type { FixtureImage } from '../fixtures/sample-images.ts';

const run = promisify(execFile);
const mark = '/v2/?mark';

export interface ThrowawayRegistry extends AsyncDisposable {
  /** `127.0.0.1:34567` */
  readonly host: string;
  readonly folder: string;
  /** What was asked since the last call, by method: `HEAD /v2/shop/web/blobs/sha256:…`. */
  takeRequests(): Promise<readonly string[]>;
  /** Has skopeo copy `images` here under their own names. */
  fill(images: readonly FixtureImage[]): Promise<void>;
}

export interface StartRegistryOptions {
  /** A user that it wants; `user` with the password `registryPassword`. */
  readonly hasLogin?: boolean;
  /** A folder with cert.pem and key.pem. */
  readonly tlsFolder?: string;
}

export const registryPassword = 's3cret-word';
/** htpasswd -nbB user s3cret-word */
const passwordLine = 'user:$2b$05$abcdefghijklmnopqrstuuEpHRRKIlpAGo.iP7Bpa.htQEJMAAnRe\n';

export async function startRegistry({
  hasLogin = false,
  tlsFolder,
}: StartRegistryOptions = {}): Promise<ThrowawayRegistry> {
  const folder = await mkdtemp(join(tmpdir(), 'bfs-'));
  await writeFile(join(folder, 'htpasswd'), passwordLine);
  const config = {
    version: 0.1,
    log: { level: 'info' },
    storage: { filesystem: { rootdirectory: join(folder, 'data') }, delete: { enabled: true } },
    http: {
      addr: '127.0.0.1:0',
      secret: 'of-a-test',
      ...(tlsFolder !== undefined && {
        tls: { certificate: join(tlsFolder, 'cert.pem'), key: join(tlsFolder, 'key.pem') },
      }),
    },
    // Of foreign layers: it refuses manifests with addresses that no rule allows.
    validation: { manifests: { urls: { allow: ['^https?://'] } } },
    ...(hasLogin && { auth: { htpasswd: { realm: 'test', path: join(folder, 'htpasswd') } } }),
  };
  await writeFile(join(folder, 'config.yml'), JSON.stringify(config)); // JSON is YAML
  const child = spawn('docker-registry', ['serve', join(folder, 'config.yml')], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const requests: string[] = [];
  const host = await findAddress(child, requests);
  return {
    host,
    folder,
    async takeRequests() {
      await fetch(`http://${host}${mark}`); // what was asked before is told before
      await vi.waitFor(() => {
        if (!requests.includes(`GET ${mark}`))
          throw new Error('The registry has told nothing of the last request');
      });
      return requests.splice(0).filter((request) => !request.endsWith(mark));
    },
    async fill(images) {
      const archive = join(folder, 'images.tar');
      await writeHybridArchive(archive, images);
      for (const tag of images.flatMap((image) => image.tags)) {
        await run('skopeo', [
          ...['copy', '-q', '--dest-tls-verify=false'],
          ...(hasLogin ? [`--dest-creds=user:${registryPassword}`] : []),
          ...[`docker-archive:${archive}:${tag}`, `docker://${host}/${tag}`],
        ]);
      }
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.kill('SIGKILL')) await once(child, 'exit');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** What it logs when it is ready; what it is asked goes into `requests`. */
async function findAddress(child: ChildProcess, requests: string[]): Promise<string> {
  if (child.stderr === null || child.stdout === null) throw new TypeError('It has pipes');
  createInterface(child.stdout).on('line', (line) => {
    const request = /"([A-Z]+ \S+) HTTP\/[\d.]+"/.exec(line)?.[1];
    if (request !== undefined) requests.push(request);
  });
  const said: string[] = [];
  for await (const line of createInterface(child.stderr)) {
    said.push(line);
    const host = /listening on (127\.0\.0\.1:\d+)/.exec(line)?.[1];
    if (host === undefined) continue;
    child.stderr.resume();
    return host;
  }
  throw new Error(`docker-registry did not start: ${said.join('\n')}`);
}
