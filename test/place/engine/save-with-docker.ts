/** Has a real docker engine, started for this alone, load an archive and save it again. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const startTimeoutMs = 20_000;

/** Loads `input` and saves `names` (tags, ids) to `output`. Nothing of the engine is left behind. */
export async function saveWithDocker(input: string, output: string, names: readonly string[]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'dk-')); // short: a socket's path has 107 bytes at most
  const host = `unix://${folder}/s`;
  const engine = spawn(
    'dockerd',
    [
      ...['--data-root', `${folder}/d`, '--exec-root', `${folder}/x`, '-H', host, '-p', `${folder}/p`],
      ...['--iptables=false', '--ip6tables=false', '--bridge=none'],
    ],
    { stdio: 'ignore' },
  );
  const exit = once(engine, 'exit');
  try {
    await waitForEngine(host, performance.now() + startTimeoutMs);
    await run('docker', ['-H', host, 'load', '-q', '-i', input]);
    await run('docker', ['-H', host, 'save', '-o', output, ...names]);
  } finally {
    engine.kill();
    await exit;
    await rm(folder, { recursive: true, force: true });
  }
}

async function waitForEngine(host: string, deadlineMs: number): Promise<void> {
  for (;;) {
    try {
      await run('docker', ['-H', host, 'version']);
      return;
    } catch (error) {
      if (performance.now() > deadlineMs) throw error;
      await setTimeout(100);
    }
  }
}
