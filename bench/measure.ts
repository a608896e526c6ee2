/** Runs a command as a process and says what it took: wall and CPU seconds, peak memory. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Measure {
  readonly wallSeconds: number;
  /** User and system time of the process and the children it waited for. */
  readonly cpuSeconds: number;
  /** Peak resident memory of the largest process, in MiB. */
  readonly memoryMiB: number;
  readonly output: string;
}

/** Runs `command` in a shell under GNU time. Throws with its standard error where it fails. */
export function measure(command: string): Measure {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  const file = join(folder, 'time');
  try {
    const run = spawnSync('/usr/bin/time', ['-o', file, '-f', '%e %U %S %M', 'bash', '-c', command], {
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    });
    if (run.error !== undefined) throw run.error;
    if (run.status !== 0) throw new Error(`${command} ended with ${String(run.status)}: ${run.stderr}`);
    const [wall = 0, user = 0, system = 0, memory = 0] = readFileSync(file, 'utf8')
      .trim()
      .split(' ')
      .map(Number);
    return { wallSeconds: wall, cpuSeconds: user + system, memoryMiB: memory / 1024, output: run.stdout };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The run with the least CPU time of `count` runs: the one that others disturbed least. */
export function measureBest(command: string, count: number): Measure {
  const runs = Array.from({ length: count }, () => measure(command));
  return runs.reduce((best, run) => (run.cpuSeconds < best.cpuSeconds ? run : best));
}
