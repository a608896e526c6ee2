/** A containerd of its own for one test, without Docker. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { findTool } from './run-script.ts';

const run = promisify(execFile);

export interface ThrowawayContainerd extends AsyncDisposable {
  /** The path of its socket. */
  readonly address: string;
  /** Runs `ctr` with it and returns what it printed. */
  ctr(...args: readonly string[]): Promise<string>;
}

/** Starts it with an empty store. Needs root. */
export async function startContainerd(): Promise<ThrowawayContainerd> {
  const folder = await mkdtemp('/tmp/bfs-');
  const address = join(folder, 's');
  const config = join(folder, 'config.toml');
  await writeFile(
    config,
    [
      'version = 2',
      `root = "${join(folder, 'root')}"`,
      `state = "${join(folder, 'state')}"`,
      'disabled_plugins = ["io.containerd.grpc.v1.cri"]',
      '[grpc]',
      `  address = "${address}"`,
    ].join('\n'),
  );
  const child = spawn('setpriv', ['--pdeathsig', 'TERM', findTool('containerd'), '-c', config], {
    stdio: 'ignore',
  });
  const ended = once(child, 'exit');
  const ctr = async (...args: readonly string[]): Promise<string> =>
    (await run('ctr', ['--address', address, ...args])).stdout;
  const stop = async (): Promise<void> => {
    child.kill();
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  for (
    let tries = 0;
    !(await ctr('version').then(
      () => true,
      () => false,
    ));
    tries++
  ) {
    if (child.exitCode !== null || tries > 300) {
      await stop();
      throw new Error('containerd did not start');
    }
    await sleep(50);
  }
  return { address, ctr, [Symbol.asyncDispose]: stop };
}
