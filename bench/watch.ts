/**
 * A live mount through the revisions of a folder: `npm run bench:watch -- DIR [--cache FOLDER]`. An engine has r1.tar …;
 * its tags are moved from one revision to the next while copies run, and every copy that ends must be one generation.
 * What is copied in the end is checked and loaded on another engine by its own scripts. Ends with 1 where anything is wrong.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { statusSchema, type MountStatus } from '../src/mount/control/status.ts';
import {
  type CopyLoop,
  copyFolder,
  type CopyMethod,
  copyMethods,
  type FinishedCopy,
  hashInSteps,
  startCopyLoop,
} from '../test/support/copies.ts';
import { fillPath, shellCommand, tools } from '../test/support/target-machine.ts';
import { startEngine, type ThrowawayEngine } from '../test/support/throwaway-engine.ts';
import { bundlefs, createSetting, type Setting } from './setting.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    /** A cache that knows the first revision already; it is copied, and all else in the copy forgotten. */
    cache: { type: 'string' },
  },
});
/** What the slow reader takes at a time, and how long it rests before the next step. */
const slowStep = { size: 128 * 1024, restMs: 50 };
/** Between two copies of the folder. */
const copyRestMs = 1000;
const faults: string[] = [];

const work = mkdtempSync(join(tmpdir(), 'bfw-'));
const mountPoint = join(work, 'mnt');
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    cleanUp();
    process.exit(1);
  });
}
try {
  const setting = createSetting(work, positionals[0]);
  await using engine = await startEngine();
  const repositories = await loadRevisions(engine, setting);
  if (values.cache !== undefined) takeOver(setting, values.cache);
  await watchRevisions(engine, setting, repositories);
  await checkTargets();
} finally {
  cleanUp();
}
for (const fault of faults) console.log(`FAULT: ${fault}`);
process.exitCode = faults.length === 0 ? 0 : 1;

/** Loads all revisions and tags their images `:r1`, `:r2` …; returns the names without tags. */
async function loadRevisions(engine: ThrowawayEngine, { revisions }: Setting): Promise<string[]> {
  const repositories = new Set<string>();
  for (const path of revisions) {
    await engine.docker('load', '-q', '-i', path);
    const manifest = JSON.parse(
      execFileSync('tar', ['-xOf', path, 'manifest.json'], { encoding: 'utf8' }),
    ) as { RepoTags: string[] }[];
    for (const name of manifest.flatMap((image) => image.RepoTags.slice(0, 1))) {
      const repository = name.slice(0, name.lastIndexOf(':'));
      repositories.add(repository);
      await engine.docker('tag', name, `${repository}:${basename(path, '.tar')}`);
    }
  }
  return [...repositories];
}

/** Fills the setting's cache with what the first revision needs of another one. */
function takeOver({ work, cache, revisions: [first = ''] }: Setting, from: string): void {
  const output = join(work, 'first.tar.xz');
  cpSync(from, cache, { recursive: true });
  run(['build', '--from', first, '-o', output, '--cache', cache]);
  rmSync(output);
  run(['cache', 'gc', '--keep-last', '1', '--cache', cache]);
}

async function watchRevisions(
  engine: ThrowawayEngine,
  setting: Setting,
  repositories: readonly string[],
): Promise<void> {
  mkdirSync(mountPoint);
  mkdirSync(join(work, 'copies'));
  const names = repositories.map((repository) => `${repository}:live`);
  const from = ['--from', `docker:${engine.host}`, '--cache', setting.cache];
  const revisions = setting.revisions.map((path) => basename(path, '.tar'));
  const [first = '', ...later] = revisions;
  await retag(engine, repositories, first);
  run(['mount', '--watch', ...from, ...names, mountPoint]);
  const known = new Map<string, string>();
  try {
    const copies = startCopyLoop(mountPoint, join(work, 'copy'), { rest: () => delay(copyRestMs) });
    const slowReads: Promise<SlowRead>[] = [];
    console.log('| revision | images changed | shown after | newly encoded | found again | bundle |');
    console.log('| --- | --- | --- | --- | --- | --- |');
    while (readStatus().totals.refreshCount === 0) await delay(100);
    known.set(readStatus().generation.sha256, first);
    for (const [index, revision] of later.entries()) {
      await waitForCopy(copies);
      if (index + 1 < later.length || later.length === 1)
        slowReads.push(readAcross(Math.min(2, later.length)));
      const movedMs = performance.now();
      const { number } = readStatus().generation;
      await retag(engine, repositories, revision);
      const status = await waitForGeneration(number + 1);
      known.set(status.generation.sha256, revision);
      printRefresh(revision, status, performance.now() - movedMs);
    }
    await waitForCopy(copies);
    const slow = await Promise.all(slowReads);
    await copies.stop();
    for (const method of copyMethods) await copyFolder(method, mountPoint, folderOf(method));
    reportCopies(copies.finished, slow, known);
  } finally {
    unmount();
  }
  for (const revision of revisions) {
    await retag(engine, repositories, revision);
    const output = join(work, 'built.tar.xz');
    const report = JSON.parse(run(['build', '--json', ...from, ...names, '-o', output])) as {
      bundle: { sha256: string };
    };
    expect(
      known.get(report.bundle.sha256) === revision,
      `the mount did not show what build makes of ${revision}`,
    );
  }
}

async function retag(
  engine: ThrowawayEngine,
  repositories: readonly string[],
  revision: string,
): Promise<void> {
  for (const name of repositories) await engine.docker('tag', `${name}:${revision}`, `${name}:live`);
}

function printRefresh(revision: string, { lastRefresh, generation }: MountStatus, passedMs: number): void {
  const { changes, encodedSize = 0, reusedSize = 0 } = lastRefresh ?? {};
  const megabytes = (size: number): string => `${(size / 1e6).toFixed(1)} MB`;
  console.log(
    `| ${revision} | ${changes?.changed.length ?? 0} of ${generation.images.length} | ${(passedMs / 1000).toFixed(1)} s | ${megabytes(encodedSize)} | ${megabytes(reusedSize)} | ${megabytes(generation.size)} |`,
  );
}

interface SlowRead {
  readonly sha256: string;
  /** Generations published while the handle was open. */
  readonly spanned: number;
}

/** Reads the bundle through one handle, slowly and not past its middle until `count` generations were published since. */
async function readAcross(count: number): Promise<SlowRead> {
  const path = join(mountPoint, 'images.tar.xz');
  const { number, size } = readStatus().generation;
  const spanned = (): number => readStatus().generation.number - number;
  const sha256 = await hashInSteps(path, {
    stepSize: slowStep.size,
    async beforeStep(position) {
      if (spanned() < count) await delay(slowStep.restMs);
      while (position > size / 2 && spanned() < count) await delay(slowStep.restMs);
    },
  });
  return { sha256, spanned: spanned() };
}

function reportCopies(
  finished: readonly FinishedCopy[],
  slow: readonly SlowRead[],
  known: ReadonlyMap<string, string>,
): void {
  for (const { sha256 } of [...finished, ...slow])
    expect(known.has(sha256), `a copy is of no generation: ${sha256}`);
  const counts = [...known].map(
    ([sha256, revision]) => `${revision}: ${finished.filter((copy) => copy.sha256 === sha256).length}`,
  );
  const mixed = finished.filter(({ isWhole }) => !isWhole).length;
  console.log(
    `\nFolders copied meanwhile: ${finished.length}, with images.tar.xz of ${counts.join(', ')}, of no revision: 0.`,
  );
  console.log(`Of these, begun in one generation and ended in the next, as sha256sum -c says: ${mixed}.`);
  for (const { sha256, spanned } of slow)
    console.log(
      `One handle, read while ${spanned} generations were published: all of ${known.get(sha256) ?? 'no revision'}.`,
    );
}

/** Checks and loads what was copied as a stranger does: each copy under each shell, into an engine of its own. */
async function checkTargets(): Promise<void> {
  console.log('\n| copied by | shell | verify.sh | load.sh |');
  console.log('| --- | --- | --- | --- |');
  for (const shell of ['dash', 'busybox'] as const) {
    const bin = join(work, `bin-${shell}`);
    await fillPath(bin, shell, [...tools, 'docker']);
    for (const method of copyMethods) {
      await using engine = await startEngine();
      const cells = ['verify.sh', 'load.sh'].map((script) => {
        const startMs = performance.now();
        const { status, stdout, stderr } = spawnSync(
          shellCommand(shell)[0] ?? '',
          [...shellCommand(shell).slice(1), join(folderOf(method), script)],
          { env: { PATH: bin, HOME: work, DOCKER_HOST: engine.host }, encoding: 'utf8' },
        );
        expect(status === 0, `${script} of the copy by ${method} under ${shell}: ${stdout}${stderr}`);
        return `${String(status)}, ${((performance.now() - startMs) / 1000).toFixed(1)} s`;
      });
      const count = (await engine.docker('images', '-q')).trim().split('\n').length;
      console.log(`| ${method} | ${shell} | ${cells.join(' | ')}, ${count} images |`);
    }
  }
}

function folderOf(method: CopyMethod): string {
  return join(work, 'copies', method.split(' ')[0] ?? '');
}

/** Waits until one more copy has begun and ended. */
async function waitForCopy(loop: CopyLoop): Promise<void> {
  const wanted = loop.finished.length + 2;
  while (loop.finished.length < wanted) {
    loop.failIfBroken();
    await delay(100);
  }
}

/** Waits until the mount shows generation `number`. Throws where its refresh fails. */
async function waitForGeneration(number: number): Promise<MountStatus> {
  for (;;) {
    const status = readStatus();
    const { lastRefresh, generation } = status;
    if (generation.number >= number && lastRefresh?.generation === generation.number) return status;
    if (lastRefresh?.result === 'failed') throw new Error(lastRefresh.error?.message);
    await delay(100);
  }
}

function readStatus(): MountStatus {
  return statusSchema.parse(JSON.parse(readFileSync(join(mountPoint, '.bundlefs/status.json'), 'utf8')));
}

/** Runs the program and returns what it printed. Throws where it fails. */
function run(args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(bundlefs, args, { env: environment(), encoding: 'utf8' });
  if (status !== 0) throw new Error(`bundlefs ${args.join(' ')} ended with ${String(status)}: ${stderr}`);
  return stdout;
}

function environment(): NodeJS.ProcessEnv {
  return { ...process.env, XDG_STATE_HOME: join(work, 'state') };
}

function unmount(): void {
  spawnSync(bundlefs, ['unmount', '--lazy', mountPoint], { env: environment() });
}

function cleanUp(): void {
  unmount();
  rmSync(work, { recursive: true, force: true });
}

function expect(isSo: boolean, fault: string): void {
  if (!isSo) faults.push(fault);
}
