/** A bundle mounted by the program, and what its daemon has used so far. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Measure, measure } from './measure.ts';
import { bundlefs } from './setting.ts';

export interface Mounted extends Disposable {
  /** `images.tar.xz` in the mount. */
  readonly path: string;
  /** What the command took until the mount could be read. */
  readonly start: Measure;
  /** CPU seconds of the daemon since its start. */
  cpuSeconds(): number;
  /** Resident memory of the daemon in MiB. */
  memoryMiB(): number;
}

export interface MountOptions {
  readonly cache: string;
  readonly options?: string;
  /** Whether JavaScript keeps the daemon's thread for half of the time. */
  readonly isBusy?: boolean;
}

/** Mounts the bundle of `source` at a new folder in `work`. */
export function mount(
  work: string,
  source: string,
  { cache, options = '', isBusy = false }: MountOptions,
): Mounted {
  const mountPoint = join(work, 'mnt');
  mkdirSync(mountPoint, { recursive: true });
  const busy = new URL('busy-daemon.mjs', import.meta.url);
  const environment = isBusy ? `NODE_OPTIONS='--import ${busy.href}'` : '';
  const run = measure(
    `XDG_STATE_HOME=${work} ${environment} ${bundlefs} mount --from ${source} --cache ${cache} ${options} ${mountPoint}`,
  );
  const pid = findServer(mountPoint);
  return {
    path: join(mountPoint, 'images.tar.xz'),
    start: run,
    cpuSeconds: () => {
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ');
      return (Number(fields[11]) + Number(fields[12])) / 100; // USER_HZ, proc_pid_stat(5)
    },
    memoryMiB: () =>
      Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024,
    [Symbol.dispose]: () => {
      unmount(mountPoint);
    },
  };
}

/** Takes away the mount that `mount` made in `work`, if one is left. */
export function unmountIn(work: string): void {
  const mountPoint = join(work, 'mnt');
  if (existsSync(mountPoint)) unmount(mountPoint);
}

function unmount(mountPoint: string): void {
  spawnSync(bundlefs, ['unmount', '--lazy', mountPoint]);
  rmdirSync(mountPoint);
}

function findServer(mountPoint: string): number {
  const found = spawnSync('pgrep', ['-f', `bundlefs mount ${mountPoint}`], {
    encoding: 'utf8',
  }).stdout.trim();
  if (!/^\d+$/.test(found)) throw new Error(`There is no one process that serves ${mountPoint}: "${found}"`);
  return Number(found);
}
