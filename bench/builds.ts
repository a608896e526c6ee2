/** Builds: a full one against xz, refreshes, and runs in which nothing changed. */
import { copyFileSync, rmSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { cuttingRule } from '../src/plan/cut/cutting-rule.ts';
import { measure, takeMedian } from './measure.ts';
import { addPieces, measureReuse, type Pieces, readPieces } from './pieces.ts';
import { build, bundlefs, type Setting } from './setting.ts';
import { shiftTimes } from './shift-times.ts';
import { compare, compareRuns, type Row, state, stateRun } from './table.ts';

/** Leaves `full.tar.xz`, `plain.tar.xz` and a cache that knows all revisions. */
export async function benchBuilds(setting: Setting): Promise<Row[]> {
  return [...benchFull(setting), ...(await benchRefresh(setting)), ...benchNoChange(setting)];
}

function benchFull(setting: Setting): Row[] {
  const [first = ''] = setting.revisions;
  const plainPath = join(setting.work, 'plain.tar.xz');
  const plain = measure(`xz -6 -T2 -c ${first} > ${plainPath}`);
  const { run, report } = build(setting, first, 'full');
  const fastPath = join(setting.work, 'fast.tar.xz');
  const fastCache = join(setting.work, 'fast-cache');
  const fast = measure(`${bundlefs} build --fast --from ${first} -o ${fastPath} --cache ${fastCache}`);
  const fastSize = statSync(fastPath).size;
  rmSync(fastPath);
  rmSync(fastCache, { recursive: true });
  const threads = availableParallelism();
  return [
    ...compareRuns('full build / xz -6 -T2', [run, plain], {
      wall: { atMost: 0.9 },
      cpu: { atMost: 1 },
      note: `${report.blocks.encoded} blocks encoded and read back`,
    }),
    compare('full build / xz -6 -T2: size', [report.bundle.size, statSync(plainPath).size], 'bytes', {
      target: { atMost: 1.04 },
    }),
    state('full build: peak memory', run.memoryMiB, 'MiB', {
      target: { atMost: 150 + 100 * threads },
      note: `${threads} threads; xz -T2: ${plain.memoryMiB.toFixed(0)} MiB`,
    }),
    ...compareRuns('full build --fast / xz -6 -T2', [fast, plain], {}),
    compare('full build --fast / xz -6 -T2: size', [fastSize, statSync(plainPath).size], 'bytes', {}),
  ];
}

async function benchRefresh(setting: Setting): Promise<Row[]> {
  const [first = '', second = '', third, fourth] = setting.revisions;
  const changed = build(setting, second, 'changed');
  const rows = [
    state('r2 after r1 (a file edited): newly encoded', changed.report.bytes.encoded / 1e6, 'MB', {
      target: { atMost: 0.7 },
      note: `${changed.run.wallSeconds.toFixed(2)} s, ${changed.run.cpuSeconds.toFixed(2)} s of CPU`,
    }),
  ];
  if (third !== undefined && fourth !== undefined) {
    build(setting, third, 'changed');
    const updated = build(setting, fourth, 'changed');
    const { found, spared } = measureReuse(await readPieces(fourth), await readPieces(third));
    const note = `${(updated.report.bytes.encoded / 1e6).toFixed(1)} MB newly encoded in ${updated.run.wallSeconds.toFixed(1)} s, ${updated.run.cpuSeconds.toFixed(1)} s of CPU`;
    rows.push(
      state('r4 after r3 (the base updated): not encoded', spared * 100, '%', {
        target: { atLeast: 60 },
        note,
      }),
      state('r4 after r3: found in r3', found * 100, '%', { note: 'without what repeats within r4' }),
    );
  }
  rmSync(join(setting.work, 'changed.tar.xz'));
  return [...rows, ...(await benchTimes(first))];
}

/** Of the layers that are applications', the share of bytes that is known when all their times have changed. */
async function benchTimes(archive: string): Promise<Row[]> {
  const before: Pieces = new Map();
  const after: Pieces = new Map();
  let layerCount = 0;
  await readPieces(archive, (layer) => {
    if (!holdsApplication(layer)) return;
    layerCount += 1;
    addLayer(before, layer);
    addLayer(after, shiftTimes(layer, 86_400));
  });
  if (layerCount === 0) return [];
  const { found } = measureReuse(after, before);
  return [
    state('every time changed in application layers: found again', found * 100, '%', {
      target: { atLeast: 50 },
      note: `${layerCount} layers whose first file is in app, srv or opt`,
    }),
  ];
}

function addLayer(pieces: Pieces, layer: Buffer): void {
  const cutter = cuttingRule.createCutter();
  addPieces(pieces, cutter.push(layer));
  addPieces(pieces, cutter.end());
}

function holdsApplication(layer: Buffer): boolean {
  return /^(\.\/)?(app|srv|opt)(\/|\0)/.test(layer.toString('latin1', 0, 100));
}

function benchNoChange(setting: Setting): Row[] {
  const [first = ''] = setting.revisions;
  const { size } = statSync(first);
  const unchanged = takeMedian(5, () => build(setting, first, 'same').run);
  const copy = join(setting.work, 'copy.tar');
  const touched = takeMedian(3, () => {
    rmSync(copy, { force: true });
    copyFileSync(first, copy);
    return build(setting, copy, 'same').run;
  });
  rmSync(copy);
  const piped = takeMedian(3, () =>
    measure(`${bundlefs} build --from - -o ${setting.work}/same.tar.xz --cache ${setting.cache} < ${first}`),
  );
  rmSync(join(setting.work, 'same.tar.xz'));
  return [
    stateRun('no change, the same archive', unchanged, { atMost: 0.5 }),
    stateRun('no change, the archive written anew', touched, { atMost: 2.5 }),
    state('known content from a pipe: archive per CPU second', size / 1e6 / piped.cpuSeconds, 'MB/s', {
      target: { atLeast: 400 },
      note: `${piped.wallSeconds.toFixed(2)} s, ${piped.cpuSeconds.toFixed(2)} s of CPU`,
    }),
    stateRun(
      'bundlefs --version',
      takeMedian(9, () => measure(`${bundlefs} --version`)),
      { atMost: 0.1 },
    ),
  ];
}
