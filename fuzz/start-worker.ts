/** Starts the process that runs cases, watches it, and starts it anew when a case has ended or stopped it. */
import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { CaseAnswer, CaseRequest } from './worker.ts';

/** What came of a case. */
export type CaseResult = CaseAnswer;

export interface Worker {
  run(request: CaseRequest): Promise<CaseResult>;
  stop(): void;
}

export interface WorkerOptions {
  /** What runs the cases. */
  readonly script?: string;
  /** A case that keeps a processor busy for longer has no end; the worker itself has a lower limit for each verb. */
  readonly cpuLimitSeconds?: number;
  /** A case that waits for longer waits for ever. */
  readonly wallLimitSeconds?: number;
}

type Limits = Required<Pick<WorkerOptions, 'cpuLimitSeconds' | 'wallLimitSeconds'>>;

/** Clock ticks a second in /proc: sysconf(_SC_CLK_TCK) of Linux on all usual machines. */
const ticksASecond = 100;

/** A worker, which is started with the first case. */
export function startWorker({
  script = fileURLToPath(new URL('worker.ts', import.meta.url)),
  cpuLimitSeconds = 30,
  wallLimitSeconds = 90,
}: WorkerOptions = {}): Worker {
  let child: ChildProcess | undefined;
  return {
    async run(request) {
      child ??= fork(script, {
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      });
      const result = await runIn(child, request, { cpuLimitSeconds, wallLimitSeconds });
      if (result.isSpent === true || child.exitCode !== null || child.signalCode !== null) {
        child.kill('SIGKILL');
        child = undefined;
      }
      return result;
    },
    stop() {
      child?.disconnect();
    },
  };
}

function runIn(
  child: ChildProcess,
  request: CaseRequest,
  { cpuLimitSeconds, wallLimitSeconds }: Limits,
): Promise<CaseResult> {
  const startMs = performance.now();
  const startCpu = readCpuSeconds(child);
  return new Promise((resolve) => {
    const settle = (result: CaseResult): void => {
      clearInterval(timer);
      child.off('message', onMessage);
      child.off('exit', onExit);
      resolve(result);
    };
    const onMessage = (answer: unknown): void => {
      settle(answer as CaseAnswer);
    };
    const onExit = (code: number | null, signal: string | null): void => {
      settle({
        finding: `the process ended with ${signal ?? `status ${code ?? ''}`}`,
        changes: [],
        isSpent: true,
      });
    };
    const timer = setInterval(() => {
      const cpuSeconds = readCpuSeconds(child) - startCpu;
      const wallSeconds = (performance.now() - startMs) / 1000;
      if (cpuSeconds <= cpuLimitSeconds && wallSeconds <= wallLimitSeconds) return;
      const spent = `${wallSeconds.toFixed(0)} s, ${cpuSeconds.toFixed(0)} s of CPU`;
      settle({ finding: `it does not end: ${spent}`, changes: [], isSpent: true });
    }, 500);
    child.on('message', onMessage);
    child.on('exit', onExit);
    child.send(request);
  });
}

/** User and system time of a process so far; 0 for one that is gone. */
function readCpuSeconds({ pid }: ChildProcess): number {
  try {
    // proc(5), /proc/pid/stat: fields 14 and 15, counted behind the name in brackets.
    const fields = readFileSync(`/proc/${pid ?? 0}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) / ticksASecond;
  } catch {
    return 0;
  }
}
