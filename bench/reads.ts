/** Reads of a mount against the same reads of a plain file, both in the page cache. */
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { writeNoiseArchive } from './make-archive.ts';
import { measure, takeMedian, takeTurns } from './measure.ts';
import { mount, type Mounted } from './mounted.ts';
import { build, fullBundle, isSmall, type Setting } from './setting.ts';
import { compare, type Row, state } from './table.ts';

/** About as many bytes as each figure is taken from: the daemon's CPU time comes in hundredths of a second. */
const readSize = 1.5e9;
const repetitions = 5;

interface ReadPlace {
  readonly work: string;
  readonly cache: string;
  /** What to mount, the bundle of it as a plain file, and with which options. */
  readonly archive: string;
  readonly plain: string;
  readonly options: string;
}

/** Reads the bundle of the first revision against a plain file of the same bytes. */
export async function benchReads(setting: Setting): Promise<Row[]> {
  const place = await choosePlace(setting);
  const { work, archive, plain } = place;
  const rows: Row[] = [];
  {
    using mounted = mount(work, archive, place);
    rows.push(state('mount of a known bundle: ready', mounted.start.wallSeconds, 's'));
    rows.push(...benchCosts(mounted, plain), ...(await benchSpeeds(mounted.path, plain, '')));
  }
  using busy = mount(work, archive, { ...place, isBusy: true });
  return [...rows, ...(await benchSpeeds(busy.path, plain, ', JavaScript busy half of the time'))];
}

/** A small bundle is replaced by one of noise, of 256 MB in blocks of 8 to 16 MiB. */
async function choosePlace(setting: Setting): Promise<ReadPlace> {
  const { work } = setting;
  const [archive = ''] = setting.revisions;
  const plain = fullBundle(setting);
  if (!isSmall(plain)) return { ...setting, archive, plain, options: '' };
  const place = { work, cache: join(work, 'noise-cache') };
  const noise = join(work, 'noise.tar');
  await writeNoiseArchive(noise, { layerCount: 4, fileCount: 4, fileSize: 16_000_000, seed: 'reads' });
  build(place, noise, 'noise', '--preset 0');
  return { ...place, archive: noise, plain: join(work, 'noise.tar.xz'), options: '--preset 0' };
}

function benchCosts(mounted: Mounted, plain: string): Row[] {
  const costs = [131_072, 1_048_576].map((blockSize) => {
    const ours = readCost(mounted, (path) => ddCommand(path, blockSize), 1);
    const theirs = takeMedian(repetitions, () => measure(ddCommand(plain, blockSize)));
    const gigabytes = bytesRead(plain) / 1e9;
    return compare(
      `CPU of ${blockSize / 1024} KiB reads, daemon and reader`,
      [ours, theirs.cpuSeconds / gigabytes],
      's/GB',
    );
  });
  const together = readCost(
    mounted,
    (path) => `for n in 1 2 3 4; do ${ddCommand(path, 131_072)} & done; wait`,
    4,
  );
  const target = { atMost: 0.3 };
  return [
    ...costs.map((row) => ({
      ...row,
      target: `${target.atMost} s/GB`,
      met: Number.parseFloat(row.ours) <= target.atMost ? 'yes' : 'no',
    })),
    state('CPU of 4 readers at once, daemon and readers', together, 's/GB', { target }),
  ];
}

/** CPU seconds per GB, the least of several runs: the one that was disturbed least. */
function readCost(mounted: Mounted, command: (path: string) => string, readers: number): number {
  const gigabytes = (bytesRead(mounted.path) * readers) / 1e9;
  const costs = Array.from({ length: repetitions }, () => {
    const before = mounted.cpuSeconds();
    const reader = measure(command(mounted.path));
    return (reader.cpuSeconds + mounted.cpuSeconds() - before) / gigabytes;
  });
  return Math.min(...costs);
}

async function benchSpeeds(path: string, plain: string, suffix: string): Promise<Row[]> {
  const copy = `/dev/shm/bundlefs-bench-${process.pid}`;
  const files = [path, plain] as const;
  const read = (file: string): string => ddCommand(file, 1_048_576);
  const copyAll = (file: string): string => repeat(`cp ${file} ${copy}`, file);
  const rows = [
    await benchSpeed(`dd of 1 MiB / of a plain file${suffix}`, read, files, 0.5),
    await benchSpeed(`cp to memory / of a plain file${suffix}`, copyAll, files, 0.8),
  ];
  rmSync(copy);
  return rows;
}

/** The ratio of speeds. */
async function benchSpeed(
  what: string,
  command: (file: string) => string,
  [path, plain]: readonly [string, string],
  atLeast: number,
): Promise<Row> {
  const runs = await takeTurns(
    repetitions,
    () => measure(command(path)),
    () => measure(command(plain)),
  );
  const [ours, theirs] = runs.map((run) => bytesRead(plain) / 1e6 / run.wallSeconds);
  return compare(what, [ours ?? 0, theirs ?? 0], 'MB/s', { target: { atLeast } });
}

function ddCommand(path: string, blockSize: number): string {
  return repeat(`dd if=${path} of=/dev/null bs=${blockSize} status=none`, path);
}

function repeat(command: string, path: string): string {
  return `for i in $(seq ${repeatCount(path)}); do ${command}; done`;
}

function repeatCount(path: string): number {
  return Math.max(1, Math.round(readSize / statSync(path).size));
}

function bytesRead(path: string): number {
  return repeatCount(path) * statSync(path).size;
}
