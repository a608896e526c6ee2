/** A registry of its own for one test, and what it was asked. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ThrowawayRegistry extends AsyncDisposable {
  /** `127.0.0.1:43210`. */
  readonly host: string;
  /** What was asked since the last call, by method: `HEAD /v2/shop/web/blobs/sha256:…`. */
  takeRequests(): Promise<readonly string[]>;
}

/** Starts docker-registry (distribution 2) with an empty store. */
export async function startRegistry(): Promise<ThrowawayRegistry> {
  const folder = await mkdtemp('/tmp/bfs-');
  const host = `127.0.0.1:${await findPort()}`;
  const config = join(folder, 'config.yml');
  const logPath = join(folder, 'log');
  await writeFile(
    config,
    [
      'version: 0.1',
      'log: { level: error }',
      `storage: { filesystem: { rootdirectory: ${folder}/data } }`,
      `http: { addr: "${host}" }`,
      '',
    ].join('\n'),
  );
  const log = await open(logPath, 'a');
  const child = spawn('setpriv', ['--pdeathsig', 'TERM', 'docker-registry', 'serve', config], {
    stdio: ['ignore', log.fd, log.fd],
    env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` },
  });
  await log.close();
  const ended = once(child, 'exit');
  const stop = async (): Promise<void> => {
    child.kill();
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  let taken = 0;
  const takeRequests = async (): Promise<string[]> => {
    const lines = (await readFile(logPath, 'utf8')).split('\n').slice(0, -1);
    const fresh = lines.slice(taken);
    taken = lines.length;
    return fresh.flatMap((line) => /"([A-Z]+ \S+) HTTP\/[\d.]+"/.exec(line)?.[1] ?? []);
  };
  for (let tries = 0; !(await isUp(host)); tries++) {
    if (child.exitCode !== null || tries > 300) {
      await stop();
      throw new Error('docker-registry did not start');
    }
    await sleep(50);
  }
  await takeRequests();
  return { host, takeRequests, [Symbol.asyncDispose]: stop };
}

async function isUp(host: string): Promise<boolean> {
  return fetch(`http://${host}/v2/`).then(
    ({ ok }) => ok,
    () => false,
  );
}

async function findPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new TypeError('There is no port');
  return address.port;
}
