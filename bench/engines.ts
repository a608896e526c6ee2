/** What takes an engine: a build in which nothing changed, and loading what was built. Needs root and dockerd. */
import { join } from 'node:path';
import { startEngine } from '../test/support/throwaway-engine.ts';
import { type Measure, measure, takeMedian, takeTurns } from './measure.ts';
import { build, bundlefs, fullBundle, isSmall, type Setting } from './setting.ts';
import { compareRuns, type Row, stateRun } from './table.ts';

const loadCount = 3;

export async function benchEngines(setting: Setting): Promise<Row[]> {
  const [first = ''] = setting.revisions;
  const unchanged = await benchNoChange(setting);
  if (isSmall(first)) return [unchanged];
  return [unchanged, ...(await benchLoads(setting)), ...(await benchDecoding(setting))];
}

async function benchNoChange(setting: Setting): Promise<Row> {
  const [first = ''] = setting.revisions;
  const names = build(setting, first, 'engine').report.images.flatMap((image) => image.names.slice(0, 1));
  await using engine = await startEngine();
  await engine.docker('load', '-i', first);
  const command = `${bundlefs} build ${names.join(' ')} --from docker:${engine.host} -o ${setting.work}/engine.tar.xz --cache ${setting.cache}`;
  measure(command);
  return stateRun(
    'no change, from an engine',
    takeMedian(5, () => measure(command)),
    { atMost: 0.5 },
  );
}

async function benchLoads(setting: Setting): Promise<Row[]> {
  const {
    work,
    revisions: [first = ''],
  } = setting;
  const plain = join(work, 'one-block.tar.xz');
  measure(`xz -6 -T1 -c ${first} > ${plain}`);
  const runs = await takeTurns(
    loadCount,
    () => load(fullBundle(setting)),
    () => load(plain),
  );
  const note = 'the client and its xz; the engine has CPU time of its own';
  return compareRuns('docker load / of plain xz -6', runs, { wall: { atMost: 1.05 }, note });
}

async function load(path: string): Promise<Measure> {
  await using engine = await startEngine();
  return measure(`docker -H ${engine.host} load -i ${path}`);
}

async function benchDecoding(setting: Setting): Promise<Row[]> {
  const path = fullBundle(setting);
  const runs = await takeTurns(
    loadCount,
    () => measure(`xz -T0 -dc ${path} > /dev/null`),
    () => measure(`xz -T1 -dc ${path} > /dev/null`),
  );
  return compareRuns('xz -T0 -dc / xz -T1 -dc', runs, { wall: { atMost: 0.6 } });
}
