/** `npm run fuzz`: changed input of every kind, until the time or the cases are over; docs/robustness.md says what is promised. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
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
  const keep = resolve(values.keep ?? join(tmpdir(), `bundlefs-fuzz-${values.seed}`));
  const counts = new Map<string, { cases: number; findings: number }>();
  const startMs = performance.now();
  const worker = startWorker();
  try {
    console.log(`seed ${values.seed}`);
    for (const { kind, index } of listCases(startMs)) {
      const folder = join(work, `${kind}-${index}`);
      const result = await worker.run({ kind, index, seed: values.seed, folder });
      const count = counts.get(kind) ?? { cases: 0, findings: 0 };
      const isFinding = result.finding !== undefined;
      counts.set(kind, { cases: count.cases + 1, findings: count.findings + (isFinding ? 1 : 0) });
      if (isFinding) report(kind, index, result, folder, keep);
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
  const chosen = kinds.filter(({ name }) => values.only === undefined || values.only.split(',').includes(name));
  if (chosen.length === 0) throw new RangeError(`There is no kind "${values.only ?? ''}"; --help lists them`);
  const limit = Number(values.cases ?? Infinity);
  const limitMs = values.seconds === undefined ? (values.cases === undefined ? 60_000 : Infinity) : Number(values.seconds) * 1000;
  for (let index = 0; index < limit; index += 1) {
    for (const { name } of chosen) {
      if (performance.now() - startMs >= limitMs) return;
      yield { kind: name, index };
    }
  }
}

function report(kind: string, index: number, { finding, changes }: CaseResult, folder: string, keep: string): void {
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

function summarize(counts: ReadonlyMap<string, { readonly cases: number; readonly findings: number }>, seconds: number): number {
  const total = [...counts.values()].reduce((sum, { cases }) => sum + cases, 0);
  const findings = [...counts.values()].reduce((sum, count) => sum + count.findings, 0);
  const byKind = [...counts].map(([kind, { cases }]) => `${kind} ${cases}`).join(', ');
  console.log(`\n${total} cases in ${seconds.toFixed(0)} s: ${byKind}`);
  console.log(findings === 0 ? 'nothing found' : `${findings} findings`);
  return findings === 0 ? 0 : 1;
}

function printHelp(): void {
  console.log('npm run fuzz -- [--seconds N | --cases N] [--seed N] [--only KIND,KIND] [--case KIND:INDEX] [--keep FOLDER]\n');
  for (const { name, about } of kinds) console.log(`  ${name.padEnd(10)} ${about}`);
}
