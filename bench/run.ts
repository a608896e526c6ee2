/** The benchmark: one table of ratios, each against a plain tool on the same bytes in the same run. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Measure, measure, measureBest } from './measure.ts';

const project = dirname(dirname(fileURLToPath(import.meta.url)));
const bundlefs = join(project, 'bin/bundlefs');
const corpus = process.argv[2];
const work = mkdtempSync(join(tmpdir(), 'bundlefs-bench-'));
const mountPoint = join(work, 'mnt');

const randomReader = `
import { fstatSync, openSync, readSync } from 'node:fs';
const fd = openSync(process.argv[2], 'r');
const size = fstatSync(fd).size;
const target = Buffer.alloc(131072);
let state = 1;
for (let count = 0; count < 2000; count += 1) {
  state = (state * 48271) % 2147483647;
  readSync(fd, target, 0, target.length, Math.floor((state / 2147483647) * (size - target.length)));
}`;

interface Row {
  readonly what: string;
  readonly ours: Measure;
  readonly theirs?: Measure;
  readonly sizes?: readonly [ours: number, theirs: number];
  readonly note?: string;
}

interface BuildReport {
  readonly bundle: { readonly size: number };
  readonly blocks: { readonly total: number; readonly encoded: number };
  readonly bytes: { readonly encoded: number };
}

try {
  const [first, second] = findArchives();
  const rows = [...benchBuilds(first, second), ...benchReads(first)];
  console.log(
    `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, node ${process.version}, ${first}: ${statSync(first).size} bytes\n`,
  );
  console.log(toMarkdown(rows));
} finally {
  spawnSync(bundlefs, ['unmount', '--lazy', mountPoint]);
  rmSync(work, { recursive: true, force: true });
}

/** The two revisions to measure with: r1.tar and r2.tar of the folder given, else the demo's sample. */
function findArchives(): [string, string] {
  const folder = corpus === undefined ? join(work, 'sample') : resolve(corpus);
  if (corpus === undefined) {
    mkdirSync(folder);
    const made = spawnSync(process.execPath, [join(project, 'sample/make-sample.mjs'), folder], {
      encoding: 'utf8',
    });
    if (made.status !== 0) throw new Error(made.stderr);
  }
  const archives: [string, string] = [join(folder, 'r1.tar'), join(folder, 'r2.tar')];
  for (const path of archives) if (!existsSync(path)) throw new Error(`There is no ${path}`);
  return archives;
}

function build(archive: string, name: string, options = ''): { run: Measure; report: BuildReport } {
  const run = measure(
    `${bundlefs} build --from ${archive} -o ${work}/${name}.tar.xz --cache ${work}/cache --json ${options}`,
  );
  return { run, report: JSON.parse(run.output) as BuildReport };
}

function benchBuilds(first: string, second: string): Row[] {
  const plainPath = join(work, 'plain.tar.xz');
  const plain = measure(`xz -6 -T2 -c ${first} > ${plainPath}`);
  const full = build(first, 'full');
  const same = build(first, 'same');
  const changed = build(second, 'changed');
  const describe = ({ blocks, bytes }: BuildReport): string =>
    `${blocks.encoded} of ${blocks.total} blocks encoded, ${bytes.encoded} bytes`;
  return [
    {
      what: 'full build / xz -6 -T2',
      ours: full.run,
      theirs: plain,
      sizes: [full.report.bundle.size, statSync(plainPath).size],
      note: describe(full.report),
    },
    { what: 'same images again / xz -6 -T2', ours: same.run, theirs: plain, note: describe(same.report) },
    { what: 'r2 after r1 / xz -6 -T2', ours: changed.run, theirs: plain, note: describe(changed.report) },
  ];
}

function benchReads(archive: string): Row[] {
  const plain = join(work, 'full.tar.xz');
  mkdirSync(mountPoint);
  const mount = measure(`${bundlefs} mount --from ${archive} --cache ${work}/cache ${mountPoint}`);
  const mounted = join(mountPoint, 'images.tar.xz');
  const daemonCpu = readDaemonCpu();
  const copy = `/dev/shm/bundlefs-bench-${process.pid}`;
  const copied = measureBest(`cp ${mounted} ${copy}`, 5);
  const daemonSeconds = (readDaemonCpu() - daemonCpu) / 5;
  const copiedPlain = measureBest(`cp ${plain} ${copy}`, 5);
  rmSync(copy);
  const reader = join(work, 'random.mjs');
  writeFileSync(reader, randomReader);
  return [
    { what: 'mount of a known bundle', ours: mount },
    {
      what: 'cp from the mount / cp of a plain file',
      ours: { ...copied, cpuSeconds: copied.cpuSeconds + daemonSeconds },
      theirs: copiedPlain,
      note: 'CPU of reader and daemon',
    },
    {
      what: '2000 random reads of 128 KiB / of a plain file',
      ours: measureBest(`node ${reader} ${mounted}`, 3),
      theirs: measureBest(`node ${reader} ${plain}`, 3),
      note: 'CPU of the reader alone',
    },
  ];
}

/** CPU seconds so far of the process that serves our mount, found by its command line. */
function readDaemonCpu(): number {
  const found = spawnSync('pgrep', ['-f', `bundlefs.*${mountPoint}`], { encoding: 'utf8' })
    .stdout.trim()
    .split('\n');
  let ticks = 0;
  for (const pid of found) {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks / 100;
}

function toMarkdown(rows: readonly Row[]): string {
  const ratio = (ours: number, theirs: number | undefined): string =>
    theirs === undefined ? '' : theirs === 0 ? '' : (ours / theirs).toFixed(3);
  const cells = rows.map(({ what, ours, theirs, sizes, note }) => [
    what,
    `${ours.wallSeconds.toFixed(2)} s`,
    ratio(ours.wallSeconds, theirs?.wallSeconds),
    `${ours.cpuSeconds.toFixed(2)} s`,
    ratio(ours.cpuSeconds, theirs?.cpuSeconds),
    sizes === undefined ? '' : ratio(...sizes),
    `${ours.memoryMiB.toFixed(0)} MiB`,
    theirs === undefined ? '' : `${theirs.memoryMiB.toFixed(0)} MiB`,
    note ?? '',
  ]);
  const header = ['what', 'wall', 'ratio', 'CPU', 'ratio', 'size ratio', 'peak memory', 'theirs', ''];
  return [header, header.map(() => '---'), ...cells].map((row) => `| ${row.join(' | ')} |`).join('\n');
}
