/** A Docker engine of its own for one test: started in about a second, and nothing of it is left afterwards. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type FileHandle, mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { findErrno } from '../../src/ground/errors.ts';

const run = promisify(execFile);
const startTimeoutMs = 30_000;

export interface ThrowawayEngine extends AsyncDisposable {
  /** `unix:///tmp/…/s`. */
  readonly host: string;
  /** Where it keeps its data. */
  readonly dataRoot: string;
  /** Runs `docker` with this engine and returns what it printed. Throws where it fails. */
  docker(...args: readonly string[]): Promise<string>;
  /** Kills the engine at once, as a crash would. */
  kill(): void;
  /** Starts it again, with what it had, after it was killed. */
  restart(): Promise<void>;
}

export interface StartEngineOptions {
  /** Where it finds its programs; where the tests find theirs if left out. */
  readonly path?: string;
  /** Has a folder for its data mounted, to be unmounted with the engine. */
  readonly mountData?: (folder: string) => Promise<void>;
  /** A folder with the files of another Debian, whose dockerd is run; the installed one where left out. */
  readonly root?: string;
  /** What its daemon.json has. */
  readonly settings?: object;
}

/**
 * Runs a command with the folder `$1` as the root of all files and `$2` at the same place as before. In a plain chroot
 * dockerd cannot load images: its own chroot wants to remount "/", which there is no mount. All mounts are of the
 * command's own mount namespace, and go with it.
 */
const enterRoot = `set -e
root=$1 folder=$2
shift 2
mount --make-rprivate /
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"
mkdir -p "$root$folder" "$root/run/before"
mount --bind "$folder" "$root$folder"
cd "$root"
pivot_root . run/before
umount -l /run/before
exec "$@"`;

/** Starts dockerd with an empty store, no network and a short path (a socket's may have 107 bytes). Needs root. */
export async function startEngine(options: StartEngineOptions = {}): Promise<ThrowawayEngine> {
  const { mountData, settings } = options;
  const folder = await mkdtemp('/tmp/bfs-');
  const socketPath = join(folder, 's');
  const host = `unix://${socketPath}`;
  const log = await open(join(folder, 'log'), 'w');
  if (mountData !== undefined) {
    await mkdir(join(folder, 'd'));
    await mountData(join(folder, 'd'));
  }
  if (settings !== undefined) await writeFile(join(folder, 'j'), JSON.stringify(settings));
  let daemon = startDaemon(folder, host, log, options);
  const stop = async (): Promise<void> => {
    daemon.child.kill();
    await daemon.ended;
    await stopContainerd(join(folder, 'x/containerd/containerd.pid'));
    await log.close();
    await unmountBelow(folder);
    await rm(folder, { recursive: true, force: true });
  };
  const waitUntilItAnswers = async (): Promise<void> => {
    const deadlineMs = performance.now() + startTimeoutMs;
    while (!(await answers(socketPath))) {
      if (daemon.child.exitCode !== null || performance.now() > deadlineMs) {
        const said = await readFile(join(folder, 'log'), 'utf8');
        await stop();
        throw new Error(`dockerd did not start: ${said}`);
      }
      await sleep(50);
    }
  };
  await waitUntilItAnswers();
  return {
    host,
    dataRoot: join(folder, 'd'),
    async docker(...args) {
      const { stdout } = await run('docker', ['-H', host, ...args], { maxBuffer: 64 * 1024 * 1024 });
      return stdout;
    },
    kill() {
      daemon.child.kill('SIGKILL');
    },
    async restart() {
      await daemon.ended;
      await stopContainerd(join(folder, 'x/containerd/containerd.pid'));
      // Or the next one would wait for the containerd that these files tell of.
      for (const name of ['p', 'x/containerd']) {
        await rm(join(folder, name), { recursive: true, force: true });
      }
      daemon = startDaemon(folder, host, log, options);
      await waitUntilItAnswers();
    },
    [Symbol.asyncDispose]: stop,
  };
}

interface Daemon {
  readonly child: ChildProcess;
  readonly ended: Promise<unknown>;
}

function startDaemon(
  folder: string,
  host: string,
  log: FileHandle,
  { path, root, settings }: StartEngineOptions,
): Daemon {
  const enter = root === undefined ? [] : ['unshare', '--mount', 'sh', '-c', enterRoot, 'sh', root, folder];
  // The kernel stops it with this process, however that ends.
  const child = spawn(
    'setpriv',
    [
      ...['--pdeathsig', 'TERM', ...enter, 'dockerd'],
      ...['--data-root', join(folder, 'd'), '--exec-root', join(folder, 'x')],
      ...['-H', host, '-p', join(folder, 'p')],
      ...['--iptables=false', '--ip6tables=false', '--bridge=none'],
      ...(settings === undefined ? [] : ['--config-file', join(folder, 'j')]),
    ],
    {
      stdio: ['ignore', log.fd, log.fd],
      env: { ...process.env, PATH: path ?? `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` },
    },
  );
  return { child, ended: once(child, 'exit') };
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
