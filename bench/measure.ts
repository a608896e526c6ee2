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
    const started = performance.now();
    const run = spawnSync('/usr/bin/time', ['-o', file, '-f', '%U %S %M', 'bash', '-c', command], {
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    });
    const wallSeconds = (performance.now() - started) / 1000;
    if (run.error !== undefined) throw run.error;
    if (run.status !== 0) throw new Error(`${command} ended with ${String(run.status)}: ${run.stderr}`);
    const [user = 0, system = 0, memory = 0] = readFileSync(file, 'utf8').trim().split(' ').map(Number);
    return { wallSeconds, cpuSeconds: user + system, memoryMiB: memory / 1024, output: run.stdout };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The run with the median wall time. */
export function medianOf(runs: readonly Measure[]): Measure {
  const median = [...runs].sort((a, b) => a.wallSeconds - b.wallSeconds)[runs.length >> 1];
  if (median === undefined) throw new RangeError('There is no median of no runs');
  return median;
}

/** The median of `count` runs of `take`. */
export function takeMedian(count: number, take: () => Measure): Measure {
  return medianOf(Array.from({ length: count }, take));
}

/** The medians of two that take turns, so that what disturbs the machine disturbs both. */
export async function takeTurns(
  count: number,
  ours: () => Measure | Promise<Measure>,
  theirs: () => Measure | Promise<Measure>,
): Promise<readonly [Measure, Measure]> {
  const mine: Measure[] = [];
  const others: Measure[] = [];
  for (let turn = 0; turn < count; turn += 1) {
    mine.push(await ours());
    others.push(await theirs());
  }
  return [medianOf(mine), medianOf(others)];
}
