/** A process that runs one case after the other, as run.ts tells it to: what a case does to a process, it does to this one. */
import { readdirSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { Finding } from './finding.ts';
import { runCase } from './fuzz-case.ts';
import { kinds } from './kinds.ts';
import { makeKnownFolder } from './known-cache.ts';
import { bundlefs, caseLimits } from './run-program.ts';

/** What run.ts asks for. */
export interface CaseRequest {
  readonly kind: string;
  readonly index: number;
  readonly seed: string;
  readonly folder: string;
}

/** What it gets; `finding` is absent where all was right. */
export interface CaseAnswer {
  readonly finding?: string;
  readonly changes: readonly string[];
  /** User and system time. */
  readonly cpuSeconds?: number;
  /** Whether further cases in this process would be found wanting for what this one did. */
  readonly isSpent?: boolean;
}

/** Descriptors that may be open after a case; a verb needs a handful. */
const openLimit = 100;

const removeKnown = makeKnownFolder();
/** What came beside the result of the case: rejections that nobody waited for, and Node's warnings. */
let strays: string[] = [];

for (const event of ['unhandledRejection', 'uncaughtException'] as const) {
  process.on(event, (error: unknown) => {
    strays.push(`${event}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  });
}
process.on('warning', ({ name, message }) => {
  if (name !== 'ExperimentalWarning') strays.push(`${name}: ${message}`);
});
process.on('message', (request: CaseRequest) => {
  const before = process.cpuUsage();
  void answer(request).then((result) => {
    const { user, system } = process.cpuUsage(before);
    const isLarge = process.resourceUsage().maxRSS / 1024 > caseLimits.memoryMiB;
    process.send?.({ ...result, cpuSeconds: (user + system) / 1e6, isSpent: isLarge || strays.length > 0 });
  });
});
process.on('disconnect', () => {
  process.exit();
});
process.on('exit', removeKnown);

async function answer({ kind, index, seed, folder }: CaseRequest): Promise<CaseAnswer> {
  const changes: string[] = [];
  strays = [];
  try {
    const found = kinds.find(({ name }) => name === kind);
    if (found === undefined) throw new RangeError(`There is no kind "${kind}"`);
    await runCase(found, { seed, index, folder, program: bundlefs }, changes);
    await setImmediate();
    const openCount = readdirSync('/proc/self/fd').length;
    if (openCount > openLimit) throw new Finding(`${openCount} files are open`);
    const [stray] = strays;
    return stray === undefined ? { changes } : { finding: stray, changes };
  } catch (error) {
    const text =
      error instanceof Finding
        ? error.message
        : `the case itself failed: ${error instanceof Error ? (error.stack ?? '') : String(error)}`;
    return { finding: text, changes };
  }
}
