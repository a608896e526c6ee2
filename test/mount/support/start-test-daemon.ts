/** Mounts the test directory in a folder of the test's own, and takes everything away again. */
import { fork, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';

import type { RunDaemonOptions } from '../../../src/mount/fuse/daemon.ts';
import { detachMount } from '../../../src/mount/fuse/detach-mount.ts';
import { findMount } from '../../../src/disk/mountinfo.ts';
import { startDaemon, type StartedDaemon } from '../../../src/mount/fuse/start-daemon.ts';

export interface TestDaemonSettings {
  /** Whether JavaScript keeps the daemon's thread for half of the time. */
  readonly isBusy?: boolean;
  readonly dies?: 'at once' | 'by SIGKILL' | 'at signal';
  readonly starts?: 'never';
  readonly options?: RunDaemonOptions;
  /** See MountBundleOptions. */
  readonly reads?: 'native' | 'plain';
  /** Shows the files of these folders (see createTableFile) by the names given instead of the test directory. */
  readonly tables?: Readonly<Record<string, string>>;
  /** Blocks of each table that are kept open; see ExtentReaderOptions. */
  readonly openFileLimit?: number;
  /** At SIGWINCH JavaScript stops, having made a file `<path>.begun`, until the file `path` is there. */
  readonly stallPath?: string;
}

export const testDaemonScript = fileURLToPath(new URL('test-daemon.ts', import.meta.url));
/** What node takes to run TypeScript. */
export const testDaemonExecArgv = ['--import', import.meta.resolve('tsx')];

/** What readers get when nobody serves them any more: the second where they were waiting at that moment. */
export const hungUp = expect.stringMatching(/^(ENOTCONN|ECONNABORTED)$/) as string;

/** Folders and daemons of one test file. */
export class MountBench {
  readonly folder: string;
  readonly logPath: string;
  readonly #pids = new Set<number>();
  readonly #mountPoints = new Set<string>();
  #mountCount = 0;

  constructor(folder: string) {
    this.folder = folder;
    this.logPath = join(folder, 'daemon.log');
  }

  static async create(): Promise<MountBench> {
    return new MountBench(await mkdtemp(join(tmpdir(), 'bundlefs mount-')));
  }

  /** An empty folder; its name has a space, so that every path through mountinfo is escaped. */
  async createMountPoint(): Promise<string> {
    const path = join(this.folder, `mount ${++this.#mountCount}`);
    await mkdir(path);
    this.#mountPoints.add(path);
    return path;
  }

  async start(
    mountPoint: string,
    settings: TestDaemonSettings = {},
    signal?: AbortSignal,
  ): Promise<StartedDaemon> {
    const daemon = await startDaemon(testDaemonScript, [mountPoint, JSON.stringify(settings)], {
      logPath: this.logPath,
      execArgv: testDaemonExecArgv,
      ...(signal === undefined ? {} : { signal }),
    });
    this.#pids.add(daemon.pid);
    return daemon;
  }

  /** A daemon that nobody waits for: its messages and its end are the test's to see. */
  fork(mountPoint: string, settings: TestDaemonSettings = {}): ChildProcess {
    const child = fork(testDaemonScript, [mountPoint, JSON.stringify(settings)], {
      execArgv: [...testDaemonExecArgv],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    if (child.pid !== undefined) this.#pids.add(child.pid);
    return child;
  }

  /** A new mount of generation 1. */
  async mount(settings: TestDaemonSettings = {}): Promise<{ mountPoint: string; pid: number }> {
    const mountPoint = await this.createMountPoint();
    return { mountPoint, pid: (await this.start(mountPoint, settings)).pid };
  }

  async remove(): Promise<void> {
    for (const pid of this.#pids) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
    for (const path of this.#mountPoints) {
      while ((await findMount(path)) !== undefined) await detachMount(path, { lazy: true });
    }
    await rm(this.folder, { recursive: true });
  }
}

/** Whether it runs: one that has ended and that nobody has waited for yet does not. */
export function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(') ') + 2));
  } catch {
    return false;
  }
}

export interface WaitUntilOptions {
  readonly timeoutMs?: number;
  /** What was seen last, for the message. */
  readonly describe?: () => string;
}

/** Asks until the answer is yes; fails, naming `what`, where it is not in time, which is ten seconds. */
export async function waitUntil(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  { timeoutMs = 10_000, describe = () => '' }: WaitUntilOptions = {},
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`Waited in vain until ${what} ${describe()}`.trim());
    await delay(20);
  }
}
