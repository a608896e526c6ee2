/** The decoded view `images.tar` against a plain file of the same bytes, which lies in the page cache. */
import { rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { measure, takeMedian } from './measure.ts';
import { mount, type Mounted } from './mounted.ts';
import { fullBundle, isSmall, type Setting } from './setting.ts';
import { compare, type Row, state } from './table.ts';

/** What a reader asks for, and how many of them there are. */
interface Pattern {
  readonly blockSize: number;
  readonly readers: number;
}

interface RandomReads {
  readonly perSecond: number;
  /** Milliseconds. */
  readonly median: number;
  readonly slowest: number;
}

const patterns: readonly Pattern[] = [4096, 131_072].flatMap((blockSize) =>
  [1, 4].map((readers) => ({ blockSize, readers })),
);

/** Random reads of a mount that nobody has read, and of one that was read once; then all of it, and its names. */
export function benchViews(setting: Setting): Promise<Row[]> {
  const { work } = setting;
  const [archive = ''] = setting.revisions;
  const xz = fullBundle(setting);
  const plain = join(work, 'plain.tar');
  measure(`xz -T2 -dc ${xz} > ${plain}`);
  const [shortRun, longRun] = isSmall(plain) ? [2, 4] : [12, 60];
  const rows: Row[] = [];
  const theirs = new Map(patterns.map((pattern) => [pattern, readRandomly(plain, pattern, 4)]));
  const withView = (use: (view: string, mounted: Mounted) => void, more = ''): void => {
    using mounted = mount(work, archive, { ...setting, options: `--view images.tar ${more}` });
    use(join(dirname(mounted.path), 'images.tar'), mounted);
  };
  const compareReads = (view: string, pattern: Pattern, seconds: number, when: string): void => {
    const ours = readRandomly(view, pattern, seconds);
    const what = `random ${pattern.blockSize / 1024} KiB, ${pattern.readers} at once, ${when}, ${seconds} s`;
    const figures = [ours.perSecond, theirs.get(pattern)?.perSecond ?? 0] as const;
    const note = `p50 ${ours.median.toFixed(3)} ms, slowest ${ours.slowest.toFixed(0)} ms`;
    rows.push(compare(what, figures, 'reads/s', { note }));
  };
  const stateMemory = (mounted: Mounted, when: string): void => {
    rows.push(state(`memory of the daemon, ${when}`, mounted.memoryMiB(), 'MiB'));
  };

  for (const pattern of patterns) {
    for (const seconds of [shortRun, longRun]) {
      withView((view, mounted) => {
        compareReads(view, pattern, seconds, 'nothing read before');
        stateMemory(mounted, 'after it');
      });
    }
  }
  const list = (file: string): string => `tar tf ${file}`;
  const readAll = (file: string): string => `dd if=${file} of=/dev/null bs=1M status=none`;
  withView((view) => {
    rows.push(compareTimes('tar tf, nothing read before', list, view, plain, 1));
  });
  withView((view, mounted) => {
    rows.push(compareTimes('dd bs=1M, nothing read before', readAll, view, plain, 1));
    stateMemory(mounted, 'all read once');
    rows.push(compareTimes('dd bs=1M, all read before', readAll, view, plain, 3));
    rows.push(compareTimes('tar tf, all read before', list, view, plain, 3));
    for (const pattern of patterns) compareReads(view, pattern, shortRun, 'all read before');
    stateMemory(mounted, 'at the end');
  });
  withView((view, mounted) => {
    measure(readAll(view));
    for (const pattern of patterns) compareReads(view, pattern, shortRun, 'all of it in memory');
    stateMemory(mounted, 'all of it in memory');
  }, '--view-cache 1G');
  const decode = (threads: number): number => measure(`xz -T${threads} -dc ${xz} > /dev/null`).wallSeconds;
  rows.push(state('the same by xz -T2 -dc', decode(2), 's'), state('the same by xz -T1 -dc', decode(1), 's'));
  rmSync(plain);
  return Promise.resolve(rows);
}

function compareTimes(
  what: string,
  command: (file: string) => string,
  view: string,
  plain: string,
  count: number,
): Row {
  const [ours, theirs] = [view, plain].map(
    (file) => takeMedian(count, () => measure(command(file))).wallSeconds,
  );
  return compare(what, [ours ?? 0, theirs ?? 0], 's');
}

/**
 * fio's random reads, at places that differ from run to run. The mount is read with direct_io, so that each of them
 * reaches the daemon; the plain file stays in the page cache (`invalidate=0`).
 */
function readRandomly(path: string, { blockSize, readers }: Pattern, seconds: number): RandomReads {
  const options = {
    ...{ name: 'reads', filename: path, readonly: '', rw: 'randread', bs: blockSize, numjobs: readers },
    ...{ size: statSync(path).size, time_based: '', runtime: seconds, ioengine: 'psync', invalidate: 0 },
    ...{ randrepeat: 0, norandommap: '', group_reporting: '', 'output-format': 'json' },
  };
  const words = Object.entries(options).map(([name, value]) =>
    value === '' ? `--${name}` : `--${name}=${value}`,
  );
  const { output } = measure(`fio ${words.join(' ')}`);
  const report = JSON.parse(output) as FioReport;
  const read = report.jobs[0]?.read;
  if (read === undefined || read.total_ios === 0) throw new Error(`fio has read nothing: ${output}`);
  return {
    perSecond: read.iops,
    median: (read.clat_ns.percentile?.['50.000000'] ?? 0) / 1e6,
    slowest: read.clat_ns.max / 1e6,
  };
}

/** The part of fio's report that is used here. */
interface FioReport {
  readonly jobs: readonly {
    readonly read: {
      readonly iops: number;
      readonly total_ios: number;
      readonly clat_ns: { readonly max: number; readonly percentile?: Readonly<Record<string, number>> };
    };
  }[];
}
