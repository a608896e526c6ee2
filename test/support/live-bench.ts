/** Mounts of a test, with a cache, a state folder and a runtime folder of the test's own. */
import { createReadStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { statusSchema, type MountStatus } from '../../src/mount/control/status.ts';
import { joinStream } from './join-stream.ts';
import { type CliResult, runCli, runCliOk, type RunCliOptions } from './run-cli.ts';
import { makeTempFolder } from './temp-folder.ts';
import { waitUntil } from '../mount/support/start-test-daemon.ts';

export interface LiveBench {
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  /** An empty folder; what is mounted there is unmounted at the test's end. */
  mountPoint(name?: string): Promise<string>;
  run(args: readonly string[], options?: RunCliOptions): Promise<CliResult>;
  runOk(args: readonly string[], options?: RunCliOptions): Promise<CliResult>;
  status(mountPoint: string): Promise<MountStatus>;
  /** What `list --json` says of the mounts of this bench: other tests have theirs at the same time. */
  list(): Promise<readonly { readonly mountPoint: string; readonly state: string }[]>;
  /** Asks for the status until it is as wanted, a minute at most. */
  waitFor(mountPoint: string, what: string, isSo: (status: MountStatus) => boolean): Promise<MountStatus>;
}

export async function createLiveBench(extraEnv: Readonly<Record<string, string>> = {}): Promise<LiveBench> {
  const folder = await makeTempFolder();
  const env = {
    BUNDLEFS_CACHE: join(folder, 'cache'),
    XDG_STATE_HOME: join(folder, 'state'),
    XDG_RUNTIME_DIR: join(folder, 'run'),
    ...extraEnv,
  };
  await mkdir(env.XDG_RUNTIME_DIR);
  const bench: LiveBench = {
    folder,
    env,
    async mountPoint(name = 'mnt') {
      const path = join(folder, name);
      await mkdir(path);
      onTestFinished(async () => {
        await runCli(['unmount', '--lazy', path], { env });
        // A daemon that is still ending, with its worker, would write to folders that are being removed.
        await waitUntil(
          `${path} is unmounted`,
          async () => (await bench.list()).every(({ mountPoint }) => mountPoint !== path),
          { timeoutMs: 60_000 },
        );
      });
      return path;
    },
    run: (args, options = {}) => runCli(args, { ...options, env: { ...env, ...options.env } }),
    runOk: (args, options = {}) => runCliOk(args, { ...options, env: { ...env, ...options.env } }),
    async status(mountPoint) {
      const { stdout } = await bench.runOk(['status', '--json', mountPoint]);
      return statusSchema.parse(JSON.parse(stdout.toString()));
    },
    async list() {
      const { stdout } = await bench.runOk(['list', '--json']);
      const all = JSON.parse(stdout.toString()) as { mountPoint: string; state: string }[];
      return all.filter(({ mountPoint }) => mountPoint.startsWith(`${folder}/`));
    },
    async waitFor(mountPoint, what, isSo) {
      const path = join(mountPoint, '.bundlefs/status.json');
      let status: MountStatus | undefined;
      await waitUntil(
        `${what} at ${mountPoint}`,
        async () => {
          // To its end, whatever size it is said to have: another generation may come meanwhile.
          const text = await joinStream(createReadStream(path));
          status = statusSchema.parse(JSON.parse(text.toString()));
          return isSo(status);
        },
        { timeoutMs: 60_000, describe: () => JSON.stringify(status) },
      );
      if (status === undefined) throw new Error('There is no status');
      return status;
    },
  };
  return bench;
}
