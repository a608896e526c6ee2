/** A Docker engine of its own for one test: started in about a second, and nothing of it is left afterwards. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { findErrno } from '../../src/errors.ts';

const run = promisify(execFile);
const startTimeoutMs = 30_000;

export interface ThrowawayEngine extends AsyncDisposable {
  /** `unix:///tmp/…/s`. */
  readonly host: string;
  /** Runs `docker` with this engine and returns what it printed. Throws where it fails. */
  docker(...args: readonly string[]): Promise<string>;
  /** Kills the engine at once, as a crash would. */
  kill(): void;
}

export interface StartEngineOptions {
  /** Where it finds its programs; where the tests find theirs if left out. */
  readonly path?: string;
  /** Has a folder for its data mounted, to be unmounted with the engine. */
  readonly mountData?: (folder: string) => Promise<void>;
}

/** Starts dockerd with an empty store, no network and a short path (a socket's may have 107 bytes). Needs root. */
export async function startEngine({ path, mountData }: StartEngineOptions = {}): Promise<ThrowawayEngine> {
  const folder = await mkdtemp('/tmp/bfs-');
  const socketPath = join(folder, 's');
  const host = `unix://${socketPath}`;
  const log = await open(join(folder, 'log'), 'w');
  if (mountData !== undefined) {
    await mkdir(join(folder, 'd'));
    await mountData(join(folder, 'd'));
  }
  // The kernel stops it with this process, however that ends.
  const child = spawn(
    'setpriv',
    [
      ...['--pdeathsig', 'TERM', 'dockerd'],
      ...[
        '--data-root',
        join(folder, 'd'),
        '--exec-root',
        join(folder, 'x'),
        '-H',
        host,
        '-p',
        join(folder, 'p'),
      ],
      ...['--iptables=false', '--ip6tables=false', '--bridge=none'],
    ],
    {
      stdio: ['ignore', log.fd, log.fd],
      env: { ...process.env, PATH: path ?? `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` },
    },
  );
  const ended = once(child, 'exit');
  const stop = async (): Promise<void> => {
    child.kill();
    await ended;
    await stopContainerd(join(folder, 'x/containerd/containerd.pid'));
    await log.close();
    await unmountBelow(folder);
    await rm(folder, { recursive: true, force: true });
  };
  const deadlineMs = performance.now() + startTimeoutMs;
  while (!(await answers(socketPath))) {
    if (child.exitCode !== null || performance.now() > deadlineMs) {
      const said = await readFile(join(folder, 'log'), 'utf8');
      await stop();
      throw new Error(`dockerd did not start: ${said}`);
    }
    await sleep(50);
  }
  return {
    host,
    async docker(...args) {
      const { stdout } = await run('docker', ['-H', host, ...args], { maxBuffer: 64 * 1024 * 1024 });
      return stdout;
    },
    kill() {
      child.kill('SIGKILL');
    },
    [Symbol.asyncDispose]: stop,
  };
}

/** What a killed engine leaves mounted, and one that made containers: its data folder, a network namespace. */
async function unmountBelow(folder: string): Promise<void> {
  const mounts = (await readFile('/proc/self/mounts', 'utf8'))
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '');
  for (const path of mounts.filter((path) => path.startsWith(`${folder}/`)).reverse()) {
    await run('umount', [path]);
  }
}

/** It goes with its dockerd, but not when that was killed. */
async function stopContainerd(pidPath: string): Promise<void> {
  const pid = Number(await readFile(pidPath, 'utf8').catch(() => ''));
  if (pid === 0) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (findErrno(error) !== 'ESRCH') throw error;
  }
}

function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = request({ socketPath, path: '/_ping' }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    asked.on('error', () => {
      resolve(false);
    });
    asked.end();
  });
}
