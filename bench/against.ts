/** `npm run bench:against -- CHECKOUT [FOLDER…]`: CPU time of this checkout and of another one, which take turns on the same archives. */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { buildSampleImages } from '../test/fixtures/sample-images.ts';
import { writeLegacyArchive } from '../test/fixtures/write-legacy-archive.ts';
import { measure } from './measure.ts';
import { bundlefs, createSetting } from './setting.ts';
import { compare, type Row, toMarkdown } from './table.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    /** How often each of them runs everything. */
    turns: { type: 'string', default: '5' },
    /** What the median of CPU time may be, as a factor of the other's. */
    atMost: { type: 'string', default: '1.05' },
  },
});

/** What is measured, in this order: the later ones find the cache as the ones before have left it. */
const runs = ['full build', 'refresh', 'no change', 'verify'] as const;

type Seconds = Record<(typeof runs)[number], number[]>;

const [checkout, ...folders] = positionals;
if (checkout === undefined) throw new Error('Name the other checkout, which bin/setup has made ready');
const theirs = resolve(checkout, 'bin/bundlefs');
for (const built of [theirs, resolve(checkout, 'dist/cli/main.js')]) {
  if (!existsSync(built)) throw new Error(`There is no "${built}"`);
}

const work = mkdtempSync(join(tmpdir(), 'bundlefs-against-'));
try {
  const tables: Row[] = [];
  for (const [name, revisions] of await listInputs()) tables.push(...compareOn(name, revisions));
  console.log(toMarkdown(`User and system time against ${checkout}`, tables));
  if (tables.some(({ met }) => met === 'no')) process.exitCode = 1;
} finally {
  rmSync(work, { recursive: true, force: true });
}

/** Sets of archives by name: small images, the demo's sample, and r1.tar and r2.tar of every folder that was named. */
async function listInputs(): Promise<(readonly [name: string, revisions: readonly string[]])[]> {
  const small = join(work, 'small');
  mkdirSync(small);
  for (const revision of [1, 2] as const) {
    await writeLegacyArchive(
      join(small, `r${revision}.tar`),
      await buildSampleImages({ revision, scale: 4 }),
    );
  }
  return [
    ['small', createSetting(work, small).revisions],
    ['sample', createSetting(work, undefined).revisions],
    ...folders.map((folder) => [basename(folder), createSetting(work, folder).revisions] as const),
  ];
}

function compareOn(name: string, revisions: readonly string[]): Row[] {
  const [ours, others] = [createSeconds(), createSeconds()];
  for (let turn = 0; turn < Number(values.turns); turn += 1) {
    // Who is first takes turns, too: the second one finds the archive in the page cache.
    const both = [[bundlefs, ours] as const, [theirs, others] as const];
    for (const [program, seconds] of turn % 2 === 0 ? both : both.reverse())
      runAll(program, revisions, seconds);
  }
  return runs.map((run) =>
    compare(`${name}: ${run}`, [medianOf(ours[run]), medianOf(others[run])], 's', {
      target: { atMost: Number(values.atMost) },
      note: `least ${Math.min(...ours[run]).toFixed(3)} s against ${Math.min(...others[run]).toFixed(3)} s`,
    }),
  );
}

function createSeconds(): Seconds {
  return { 'full build': [], refresh: [], 'no change': [], verify: [] };
}

function runAll(program: string, [first = '', second = '']: readonly string[], seconds: Seconds): void {
  const folder = mkdtempSync(join(work, 'run-'));
  const state = `HOME=${folder} XDG_STATE_HOME=${folder}/state`;
  const build = (archive: string): string =>
    `${state} ${program} build --no-config --from ${archive} -o ${folder}/images.tar.xz --cache ${folder}/cache`;
  seconds['full build'].push(measure(build(first)).cpuSeconds);
  seconds.refresh.push(measure(build(second)).cpuSeconds);
  seconds['no change'].push(measure(build(second)).cpuSeconds);
  seconds.verify.push(measure(`${state} ${program} verify ${folder}/images.tar.xz`).cpuSeconds);
  rmSync(folder, { recursive: true });
}

function medianOf(seconds: readonly number[]): number {
  return [...seconds].sort((a, b) => a - b)[seconds.length >> 1] ?? NaN;
}
