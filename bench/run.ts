/**
 * The benchmark: tables of ratios, each against a plain tool on the same bytes in the same run, and of targets. With
 * `many` for its argument, tables of how the time of each verb grows instead.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { benchBuilds } from './builds.ts';
import { benchEngines } from './engines.ts';
import { benchGrowth } from './growth.ts';
import { benchMany } from './many.ts';
import { benchManyBlocks } from './many-blocks.ts';
import { unmountIn } from './mounted.ts';
import { benchNeighbours } from './neighbours.ts';
import { benchReads } from './reads.ts';
import { createSetting, type Setting } from './setting.ts';
import { type Row, toMarkdown } from './table.ts';
import { benchViews } from './views.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    /** GB of content, by commas: as `--growth 2,5,10,20`. */
    growth: { type: 'string' },
    /** Groups by commas; all but growth where absent. */
    only: { type: 'string' },
    /** A cache that knows the images already, for groups other than builds. */
    cache: { type: 'string' },
    /** Of `many`: verbs by commas, and a part of the counts. */
    verbs: { type: 'string' },
    scale: { type: 'string', default: '1' },
  },
});

const groups: readonly (readonly [
  name: string,
  heading: string,
  run: (setting: Setting) => Promise<Row[]>,
])[] = [
  ['builds', 'Builds', benchBuilds],
  ['reads', 'Reads of a mount', benchReads],
  ['many', 'Thousands of blocks', benchManyBlocks],
  ['views', 'Views', benchViews],
  ['engines', 'Engines and the receiving side', benchEngines],
  ['neighbours', "The neighbours' jobs", benchNeighbours],
];

if (positionals[0] === 'many') {
  const { only, verbs, scale } = values;
  const isMet = await benchMany({
    kinds: only?.split(','),
    verbs: verbs?.split(','),
    scale: Number(scale),
  });
  process.exit(isMet ? 0 : 1);
}

const work = mkdtempSync(join(tmpdir(), 'bundlefs-bench-'));
try {
  const setting = createSetting(work, positionals[0], values.cache);
  const [first = ''] = setting.revisions;
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, node ${process.version}`;
  console.log(`${machine}; r1.tar: ${statSync(first).size} bytes\n`);
  for (const [name, heading, run] of groups) {
    if (values.only !== undefined && !values.only.split(',').includes(name)) continue;
    console.log(toMarkdown(heading, await run(setting)));
  }
  if (values.growth !== undefined) {
    const gigabytes = values.growth.split(',').map(Number);
    console.log(toMarkdown('Growth', await benchGrowth(setting, gigabytes)));
  }
} finally {
  unmountIn(work);
  rmSync(work, { recursive: true, force: true });
}
