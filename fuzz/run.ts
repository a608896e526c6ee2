/** `npm run fuzz`: changed input of every kind, until the time or the cases are over; docs/robustness.md says what is promised. */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { kinds } from './kinds.ts';
import { type CaseResult, startWorker } from './start-worker.ts';

const { values } = parseArgs({
  options: {
    /** How long; one minute where neither this nor --cases is given. */
    seconds: { type: 'string' },
    /** How many of each kind. */
    cases: { type: 'string' },
    /** The same seed gives the same cases. */
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
    /** Kinds, by commas. */
    only: { type: 'string' },
    /** One case again: `xz:123`. */
    case: { type: 'string' },
    /** Where the folders of failing cases go. */
    keep: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) printHelp();
else process.exitCode = await main();

async function main(): Promise<number> {
  const work = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'bundlefs-fuzz-'));
  chmodSync(work, 0o711); // deltas are applied by nobody
  const keep = resolve(values.keep ?? join(tmpdir(), `bundlefs-fuzz-${values.seed}`));
  const counts = new Map<string, Count>();
  const startMs = performance.now();
  const worker = startWorker();
  try {
    console.log(`seed ${values.seed}`);
    for (const { kind, index } of listCases(startMs)) {
      const folder = join(work, `${kind}-${index}`);
      const result = await worker.run({ kind, index, seed: values.seed, folder });
      counts.set(kind, add(counts.get(kind), index, result));
      if (result.finding !== undefined) report(kind, index, result, folder, keep);
      rmSync(folder, { recursive: true, force: true });
    }
  } finally {
    worker.stop();
    rmSync(work, { recursive: true, force: true });
  }
  return summarize(counts, (performance.now() - startMs) / 1000);
}

/** The kinds take turns. */
function* listCases(startMs: number): Generator<{ readonly kind: string; readonly index: number }> {
  if (values.case !== undefined) {
    const [kind = '', index = ''] = values.case.split(':');
    yield { kind, index: Number(index) };
    return;
  }
  const chosen = kinds.filter(
    ({ name }) => values.only === undefined || values.only.split(',').includes(name),
  );
  if (chosen.length === 0) throw new RangeError(`There is no kind "${values.only ?? ''}"; --help lists them`);
  const limit = Number(values.cases ?? Infinity);
  const limitMs =
    values.seconds === undefined
      ? values.cases === undefined
        ? 60_000
        : Infinity
      : Number(values.seconds) * 1000;
  for (let index = 0; index < limit; index += 1) {
    for (const { name } of chosen) {
      if (performance.now() - startMs >= limitMs) return;
      yield { kind: name, index };
    }
  }
}

/** Of one kind. */
interface Count {
  readonly cases: number;
  readonly findings: number;
  readonly slowest: { readonly index: number; readonly cpuSeconds: number };
}

function add(count: Count | undefined, index: number, { finding, cpuSeconds = 0 }: CaseResult): Count {
  const { cases, findings, slowest } = count ?? { cases: 0, findings: 0, slowest: { index, cpuSeconds: 0 } };
  return {
    cases: cases + 1,
    findings: findings + (finding === undefined ? 0 : 1),
    slowest: cpuSeconds > slowest.cpuSeconds ? { index, cpuSeconds } : slowest,
  };
}

function report(
  kind: string,
  index: number,
  { finding, changes }: CaseResult,
  folder: string,
  keep: string,
): void {
  console.log(`\n${kind}:${index}: ${finding ?? ''}`);
  for (const change of changes) console.log(`  ${JSON.stringify(change)}`);
  console.log(`  again: npm run fuzz -- --seed ${values.seed} --case ${kind}:${index}`);
  if (!existsSync(folder)) return;
  mkdirSync(keep, { recursive: true });
  const kept = join(keep, `${kind}-${index}`);
  rmSync(kept, { recursive: true, force: true });
  // By cp, since pipes and links are among it, and it is on another file system.
  spawnSync('cp', ['-a', folder, kept]);
  console.log(`  input: ${kept}`);
}

function summarize(counts: ReadonlyMap<string, Count>, seconds: number): number {
  const all = [...counts.values()];
  console.log(`\n${all.reduce((sum, { cases }) => sum + cases, 0)} cases in ${seconds.toFixed(0)} s`);
  for (const [kind, { cases, slowest }] of counts) {
    console.log(
      `  ${kind.padEnd(10)} ${cases}, the slowest ${kind}:${slowest.index} with ${slowest.cpuSeconds.toFixed(1)} s of CPU`,
    );
  }
  const findings = all.reduce((sum, count) => sum + count.findings, 0);
  console.log(findings === 0 ? 'nothing found' : `${findings} findings`);
  return findings === 0 ? 0 : 1;
}

function printHelp(): void {
  console.log(
    'npm run fuzz -- [--seconds N | --cases N] [--seed N] [--only KIND,KIND] [--case KIND:INDEX] [--keep FOLDER]\n',
  );
  for (const { name, about } of kinds) console.log(`  ${name.padEnd(10)} ${about}`);
}
