import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { open, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { makeImage, makeLayer, makeTree } from '../../sample/make-image.mjs';
import { writeLegacyArchive } from '../fixtures/write-legacy-archive.ts';
import type { FixtureImage } from '../fixtures/sample-images.ts';
import { waitUntil } from '../mount/support/start-test-daemon.ts';
import type { MountStatus } from '../../src/mount/control/status.ts';
import { createLiveBench, type LiveBench } from '../support/live-bench.ts';
import { startEngine, type ThrowawayEngine } from '../support/throwaway-engine.ts';

const run = promisify(execFile);
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
/** Other tests keep the machine busy. */
const quick = ['--preset', '0', '--settle', '0.2', '--nice', '0'];

const base = await makeLayer(
  makeTree('base', { seed: 'base', count: 20, smallest: 1000, largest: 200_000, binary: 0.5 }),
);

/** Two layers, the upper of which is another one in each release. */
async function makeRelease(name: string, release: number, ...tags: string[]): Promise<FixtureImage> {
  const top = await makeLayer(
    makeTree('app', { seed: `${name} ${release}`, count: 3, smallest: 5000, largest: 90_000 }),
  );
  return makeImage({ name, tags, layers: [base, top] });
}

/** Has the engine load these images. */
async function load(engine: ThrowawayEngine, bench: LiveBench, ...images: FixtureImage[]): Promise<void> {
  const archive = join(bench.folder, 'load.tar');
  await writeLegacyArchive(archive, images);
  await engine.docker('load', '-q', '-i', archive);
}

/** Whether the last refresh has published this generation. */
function isPublished(number: number): (status: MountStatus) => boolean {
  return ({ lastRefresh }) => lastRefresh?.result === 'published' && lastRefresh.generation === number;
}

/** The rest of a file that is read from `position` in steps of 100 kB. */
async function readRest(path: Awaited<ReturnType<typeof open>>, position: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (let at = position; ;) {
    const { bytesRead, buffer } = await path.read(Buffer.alloc(100_000), { position: at });
    if (bytesRead === 0) return Buffer.concat(parts);
    parts.push(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
}

describe('mount --watch of an engine', () => {
  let engine: ThrowawayEngine;
  beforeAll(async () => {
    engine = await startEngine();
  }, 60_000);
  afterAll(async () => {
    await engine[Symbol.asyncDispose]();
  });

  it('shows a new generation after a tag moved, while a reader has the old one to its last byte', async () => {
    const bench = await createLiveBench();
    const mnt = await bench.mountPoint();
    await load(
      engine,
      bench,
      await makeRelease('web', 1, 'watch/web:1'),
      await makeRelease('web', 2, 'watch/web:2'),
    );
    await engine.docker('tag', 'watch/web:1', 'watch/web:live');
    const from = ['--from', `docker:${engine.host}`, ...quick];
    await bench.runOk(['mount', '--watch', ...from, 'watch/web:live', mnt]);
    const bundle = join(mnt, 'images.tar.xz');
    const first = await readFile(bundle);
    const held = await open(bundle);
    onTestFinished(() => held.close());
    const start = Buffer.alloc(50_000);
    await held.read(start, { position: 0 });

    await engine.docker('tag', 'watch/web:2', 'watch/web:live');
    const status = await bench.waitFor(mnt, 'generation 2', isPublished(2));
    expect(status.lastRefresh?.changes).toEqual({ added: [], removed: [], changed: ['watch/web:live'] });
    expect(status.olderGenerations).toEqual([{ number: 1, openHandleCount: 1 }]);

    await bench.runOk(['build', ...from.slice(0, 4), '-o', join(bench.folder, 'built'), 'watch/web:live']);
    const second = await readFile(bundle);
    expect(sha256(second)).toBe(sha256(await readFile(join(bench.folder, 'built'))));
    expect(sha256(second)).not.toBe(sha256(first));
    expect(sha256(Buffer.concat([start, await readRest(held, start.length)]))).toBe(sha256(first));
    await held.close();
    await bench.waitFor(
      mnt,
      'the end of generation 1',
      ({ olderGenerations }) => olderGenerations.length === 0,
    );
  }, 150_000);

  it('publishes what was loaded, for which engines give no tag event, and nothing where nothing is different', async () => {
    const bench = await createLiveBench();
    const mnt = await bench.mountPoint();
    await load(engine, bench, await makeRelease('api', 1, 'watch/api:1'));
    await bench.runOk(['mount', '--watch', '--from', `docker:${engine.host}`, ...quick, 'watch/api:1', mnt]);
    await bench.waitFor(mnt, 'the first look', ({ totals }) => totals.refreshCount === 1);
    await engine.docker('tag', 'watch/api:1', 'watch/unrelated:1');
    const same = await bench.waitFor(mnt, 'a second look', ({ totals }) => totals.refreshCount === 2);
    expect(same.lastRefresh).toMatchObject({ result: 'unchanged', reason: 'image event: tag' });
    expect(same.generation.number).toBe(1);

    await load(engine, bench, await makeRelease('api', 2, 'watch/api:1'));
    const next = await bench.waitFor(mnt, 'generation 2', isPublished(2));
    expect(next.lastRefresh?.reason).toBe('image event: load');
    expect(next.totals.encodedSize).toBeGreaterThan(0);
  }, 150_000);

  it('takes in an image that gets a name of the pattern it was given', async () => {
    const bench = await createLiveBench();
    const mnt = await bench.mountPoint();
    await load(
      engine,
      bench,
      await makeRelease('one', 1, 'globs/one:1.0'),
      await makeRelease('two', 1, 'globs/two:2.0'),
    );
    await bench.runOk(['mount', '--watch', '--from', `docker:${engine.host}`, ...quick, 'globs/*:1.*', mnt]);
    await engine.docker('tag', 'globs/two:2.0', 'globs/two:1.5');
    const status = await bench.waitFor(mnt, 'generation 2', isPublished(2));
    expect(status.lastRefresh?.changes).toEqual({ added: ['globs/two:1.5'], removed: [], changed: [] });
    expect(await readFile(join(mnt, 'index.html'), 'utf8')).toMatch(/What changed[^]*globs\/two:1\.5/);
  }, 150_000);

  it('stays as it is when an image is gone, says so everywhere, and recovers when it is back', async () => {
    const bench = await createLiveBench();
    const mnt = await bench.mountPoint();
    const [one, two] = [await makeRelease('db', 1, 'watch/db:1'), await makeRelease('db', 2, 'watch/db:1')];
    await load(engine, bench, one);
    await bench.runOk(['mount', '--watch', '--from', `docker:${engine.host}`, ...quick, 'watch/db:1', mnt]);
    const before = sha256(await readFile(join(mnt, 'images.tar.xz')));
    await engine.docker('rmi', 'watch/db:1');
    await bench.waitFor(mnt, 'a failure', ({ lastRefresh }) => lastRefresh?.result === 'failed');

    const refresh = await bench.run(['refresh', mnt]);
    expect(refresh.status).toBe(3);
    expect(refresh.stderr).toContain('watch/db:1');
    expect(refresh.stderr).toContain('The mount shows what it showed before');
    expect(sha256(await readFile(join(mnt, 'images.tar.xz')))).toBe(before);
    expect((await bench.runOk(['status', mnt])).stdout.toString()).toMatch(
      /FAILED after .*generation 1 stays/,
    );
    expect((await bench.runOk(['list'])).stdout.toString()).toMatch(/serving +failed/);
    expect((await bench.runOk(['log', mnt])).stdout.toString()).toMatch(
      /warning refresh failed.*code=image-not-found/,
    );

    await load(engine, bench, two);
    await bench.waitFor(mnt, 'generation 2', isPublished(2));
    expect((await bench.runOk(['refresh', mnt])).stdout.toString()).toContain('nothing new');
  }, 150_000);

  it('waits for an engine that was killed, serves on, and looks again when it is back', async () => {
    const bench = await createLiveBench();
    const mnt = await bench.mountPoint();
    await load(
      engine,
      bench,
      await makeRelease('job', 1, 'watch/job:1'),
      await makeRelease('job', 2, 'watch/job:2'),
    );
    await bench.runOk(['mount', '--watch', '--from', `docker:${engine.host}`, ...quick, 'watch/job:1', mnt]);
    await bench.waitFor(mnt, 'the engine', (status) => status.engine?.state === 'connected');
    const before = sha256(await readFile(join(mnt, 'images.tar.xz')));

    engine.kill();
    await bench.waitFor(mnt, 'the loss of the engine', (status) => status.engine?.state === 'away');
    expect((await bench.run(['refresh', mnt])).status).toBe(4);
    expect(sha256(await readFile(join(mnt, 'images.tar.xz')))).toBe(before);

    await engine.restart();
    await engine.docker('tag', 'watch/job:2', 'watch/job:1'); // perhaps before anybody listens again
    await bench.waitFor(mnt, 'generation 2', isPublished(2));
    expect((await bench.status(mnt)).engine?.state).toBe('connected');
  }, 200_000);
});

it('an engine that dies under a refresh leaves the mount as it is; the next one, when it is back, succeeds', async () => {
  const bench = await createLiveBench();
  const mnt = await bench.mountPoint();
  await using engine = await startEngine();
  await load(
    engine,
    bench,
    await makeRelease('cut', 1, 'watch/cut:1'),
    await makeRelease('cut', 2, 'watch/cut:2'),
  );
  await bench.runOk(['mount', '--watch', '--from', `docker:${engine.host}`, ...quick, 'watch/cut:1', mnt]);
  const { pid } = await bench.waitFor(mnt, 'the first look', ({ totals }) => totals.refreshCount === 1);
  const before = sha256(await readFile(join(mnt, 'images.tar.xz')));

  await engine.docker('tag', 'watch/cut:2', 'watch/cut:1');
  let worker = 0;
  await waitUntil('the worker runs', async () => {
    const found = await run('pgrep', ['-P', String(pid), '-f', 'mount-worker']).catch(() => ({ stdout: '' }));
    worker = Number(found.stdout);
    if (worker !== 0) process.kill(worker, 'SIGSTOP'); // or it could be done before the engine is gone
    return worker !== 0;
  });
  engine.kill();
  process.kill(worker, 'SIGCONT');
  const failed = await bench.waitFor(mnt, 'a failure', ({ lastRefresh }) => lastRefresh?.result === 'failed');
  expect(failed.generation.number).toBe(1);
  expect(sha256(await readFile(join(mnt, 'images.tar.xz')))).toBe(before);
  await engine.restart();
  await bench.waitFor(mnt, 'generation 2', isPublished(2));
}, 200_000);

describe('mount --watch of files that say what to bundle', () => {
  it('follows an edit of the Compose file, and of the .env beside it, and stays where the file is broken', async () => {
    const bench = await createLiveBench();
    const mnt = await bench.mountPoint();
    const archive = join(bench.folder, 'images.tar');
    const compose = join(bench.folder, 'compose.yaml');
    const images = [await makeRelease('web', 1, 'watch/web:1'), await makeRelease('web', 2, 'watch/web:2')];
    await writeLegacyArchive(archive, images);
    await writeFile(compose, 'services:\n  web:\n    image: watch/web:${TAG}\n');
    await writeFile(join(bench.folder, '.env'), 'TAG=1\n');
    await bench.runOk(['mount', '--watch', '--from', archive, '--compose', compose, ...quick, mnt]);
    await bench.waitFor(mnt, 'the first look', ({ totals }) => totals.refreshCount === 1);

    await writeFile(join(bench.folder, '.env'), 'TAG=2\n');
    const second = await bench.waitFor(mnt, 'generation 2', isPublished(2));
    expect(second.lastRefresh?.changes).toEqual({
      added: ['watch/web:2'],
      removed: ['watch/web:1'],
      changed: [],
    });
    await writeFile(compose, 'services: [');
    await bench.waitFor(mnt, 'a failure', ({ lastRefresh }) => lastRefresh?.result === 'failed');
    await writeFile(`${compose}.new`, 'services:\n  a:\n    image: watch/web:1\n');
    await rename(`${compose}.new`, compose);
    const third = await bench.waitFor(mnt, 'generation 3', isPublished(3));
    expect(third.generation.images.flatMap(({ names }) => names)).toEqual(['watch/web:1']);
  }, 150_000);
});

describe('mount --watch of a project file', () => {
  it('heeds its lists, their edits, and what it says of following, of parts and of the cache', async () => {
    const bench = await createLiveBench();
    const mnt = await bench.mountPoint();
    const images = await Promise.all(
      [1, 2].map((release) => makeRelease(`web${release}`, release, `watch/web:${release}`)),
    );
    await writeLegacyArchive(join(bench.folder, 'images.tar'), images);
    await writeFile(join(bench.folder, 'list.txt'), 'watch/web:1\n');
    const config = join(bench.folder, 'bundlefs.yaml');
    const project = [
      'imagesFiles: [list.txt]',
      'from: images.tar',
      'preset: 0',
      `mountPoint: ${mnt}`,
      'watch: { debounceMs: 200, logFormat: json, metricsFile: metrics.prom }',
      'stick: { maxFileSize: 200K }',
      'gc: { maxSize: 1 }',
    ];
    await writeFile(config, project.join('\n'));
    await bench.runOk(['mount', '--watch', '--config', config]);
    await bench.waitFor(mnt, 'the first look', ({ totals }) => totals.refreshCount === 1);
    expect(await readdir(mnt)).toContain('images.tar.xz.001');
    expect(await readFile(join(bench.folder, 'metrics.prom'), 'utf8')).toContain('bundlefs_up');

    await writeFile(join(bench.folder, 'list.txt'), 'watch/web:2\n');
    const status = await bench.waitFor(mnt, 'generation 2', isPublished(2));
    expect(status.lastRefresh?.changes).toMatchObject({ added: ['watch/web:2'], removed: ['watch/web:1'] });
    await writeFile(config, project.join('\n').replace('imagesFiles: [list.txt]', 'images: ["watch/*"]'));
    const third = await bench.waitFor(mnt, 'generation 3', isPublished(3));
    expect(third.generation.images).toHaveLength(2);
    // Nobody holds the first generation any more, and the cache may have one byte.
    await writeFile(config, project.join('\n'));
    await bench.waitFor(mnt, 'generation 4', isPublished(4));
    const log = (await bench.runOk(['log', mnt, '-n', '100'])).stdout.toString().trim().split('\n');
    const messages = log.map((line) => JSON.parse(line) as { level: string; message: string });
    expect(messages).toContainEqual(
      expect.objectContaining({
        level: 'info',
        message: expect.stringMatching(/^removed from the cache, as its limits say: \d+ files?, /) as string,
      }),
    );
  }, 150_000);
});

describe('mount --watch of an archive', () => {
  it('follows the file when another one is put in its place, and two mounts follow their own', async () => {
    const bench = await createLiveBench();
    const archives = ['a.tar', 'b.tar'].map((name) => join(bench.folder, name));
    const [a = '', b = ''] = archives;
    for (const path of archives) await writeLegacyArchive(path, [await makeRelease('web', 1, 'watch/web:1')]);
    const [mntA, mntB] = [await bench.mountPoint('mnt a'), await bench.mountPoint('mnt b')];
    await bench.runOk(['mount', '--watch', '--from', a, ...quick, mntA]);
    await bench.runOk(['mount', '--watch', '--from', b, ...quick, mntB]);
    await bench.waitFor(mntA, 'the first look', ({ totals }) => totals.refreshCount === 1);

    await writeLegacyArchive(`${a}.new`, [await makeRelease('web', 2, 'watch/web:1')]);
    await rename(`${a}.new`, a);
    const status = await bench.waitFor(mntA, 'generation 2', isPublished(2));
    expect(status.lastRefresh?.reason).toContain('a.tar');
    expect(await bench.list()).toMatchObject([
      { mountPoint: mntA, state: 'serving', status: { generation: { number: 2 } } },
      { mountPoint: mntB, state: 'serving', status: { generation: { number: 1 } } },
    ]);
    const unnamed = await bench.run(['status']);
    expect(unnamed.status).toBe(2);
    expect(unnamed.stderr).toContain(mntB);
  }, 150_000);

  it('keeps the mount when the process that makes the bundle is killed, and says so', async () => {
    const bench = await createLiveBench();
    const mnt = await bench.mountPoint();
    const pipe = join(bench.folder, 'images.tar');
    await writeLegacyArchive(pipe, [await makeRelease('web', 1, 'watch/web:1')]);
    await bench.runOk(['mount', '--from', pipe, ...quick, mnt]);
    const before = sha256(await readFile(join(mnt, 'images.tar.xz')));
    const { pid } = await bench.status(mnt);
    // A pipe that nobody writes to: the worker waits.
    await rename(pipe, `${pipe}.old`);
    await run('mkfifo', [pipe]);
    const refreshing = bench.run(['refresh', mnt]);
    await waitUntil('the worker runs', async () => {
      const { stdout } = await run('pgrep', ['-P', String(pid), '-f', 'mount-worker']).catch(() => ({
        stdout: '',
      }));
      if (stdout === '') return false;
      process.kill(Number(stdout), 'SIGKILL');
      return true;
    });
    const result = await refreshing;
    expect(result.status).toBe(4);
    expect(result.stderr).toContain('ended by SIGKILL');
    expect(sha256(await readFile(join(mnt, 'images.tar.xz')))).toBe(before);
    expect((await bench.status(mnt)).totals).toMatchObject({ refreshCount: 1, failureCount: 1 });
  }, 150_000);

  it.each([
    {
      what: 'makes the new generation with low priority',
      isWatching: true,
      nice: Math.min(19, getPriority() + 10),
    },
    {
      what: 'makes what somebody asked for with the priority of the mount',
      isWatching: false,
      nice: getPriority(),
    },
  ])(
    '$what',
    async ({ isWatching, nice }) => {
      const bench = await createLiveBench();
      const mnt = await bench.mountPoint();
      const archive = join(bench.folder, 'images.tar');
      await writeLegacyArchive(archive, [await makeRelease('web', 1, 'watch/web:1')]);
      const settings = ['--preset', '0', ...(isWatching ? ['--watch', '--settle', '0.2'] : [])];
      await bench.runOk(['mount', '--from', archive, ...settings, mnt]);
      const { pid } = await bench.status(mnt);
      await rename(archive, `${archive}.old`);
      await run('mkfifo', [archive]); // which the worker waits for
      const refreshing = isWatching ? undefined : bench.run(['refresh', mnt]);
      expect(await endWorker(pid)).toEqual(new Set([String(nice)]));
      await rename(`${archive}.old`, archive);
      if (refreshing !== undefined) expect((await refreshing).status).not.toBe(0);
    },
    150_000,
  );
});

describe('the end of a live mount', () => {
  it('lets a copy that runs go on to its end after SIGTERM, and is gone from the folder at once', async () => {
    const bench = await createLiveBench();
    const mnt = await bench.mountPoint();
    const archive = join(bench.folder, 'images.tar');
    await writeLegacyArchive(archive, [await makeRelease('web', 1, 'watch/web:1')]);
    await bench.runOk(['mount', '--watch', '--from', archive, ...quick, mnt]);
    const whole = await readFile(join(mnt, 'images.tar.xz'));
    const { pid } = await bench.status(mnt);
    const held = await open(join(mnt, 'images.tar.xz'));
    const start = Buffer.alloc(10_000);
    await held.read(start, { position: 0 });

    process.kill(pid, 'SIGTERM');
    await waitUntil('the folder is empty', async () => (await run('ls', ['-A', mnt])).stdout === '');
    expect(await bench.list()).toMatchObject([
      { mountPoint: mnt, state: 'draining', status: { openHandleCount: 1 } },
    ]);
    expect(sha256(Buffer.concat([start, await readRest(held, start.length)]))).toBe(sha256(whole));
    await held.close();
    await waitUntil('the daemon is gone', async () => (await bench.list()).length === 0, {
      timeoutMs: 60_000,
    });
  }, 150_000);

  it('is known as dead after kill -9, until it is forgotten', async () => {
    const bench = await createLiveBench();
    const mnt = await bench.mountPoint();
    const archive = join(bench.folder, 'images.tar');
    await writeLegacyArchive(archive, [await makeRelease('web', 1, 'watch/web:1')]);
    await bench.runOk(['mount', '--from', archive, ...quick, mnt]);
    const { pid } = await bench.status(mnt);
    process.kill(pid, 'SIGKILL');
    await waitUntil('it is dead', async () => (await bench.list())[0]?.state === 'dead', {
      timeoutMs: 60_000,
    });
    const status = await bench.run(['status', mnt]);
    expect(status.status).toBe(8);
    expect(status.stderr).toContain(`process ${pid}) is gone`);
    await bench.runOk(['unmount', mnt]);
    expect(await bench.list()).toEqual([]);
  }, 150_000);

  it('ends in the foreground, in its service manager’s words, when a copy that ran is over', async () => {
    const bench = await createLiveBench();
    const mnt = await bench.mountPoint();
    const archive = join(bench.folder, 'images.tar');
    const socket = join(bench.folder, 'notify');
    await writeLegacyArchive(archive, [await makeRelease('web', 1, 'watch/web:1')]);
    const listener = spawn('python3', ['-c', listenScript, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => void listener.kill());
    let heard = '';
    listener.stdout.on('data', (chunk: Buffer) => (heard += chunk.toString()));
    await waitUntil('the manager listens', () => heard.includes('listening'), { timeoutMs: 60_000 });
    let pid = 0;
    const serving = bench.run(['mount', '--foreground', '--from', archive, ...quick, mnt], {
      env: { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '200000' },
      onStart: (child) => (pid = child.pid ?? 0),
    });
    await waitUntil('the mount is ready', () => heard.includes('READY=1'), { timeoutMs: 60_000 });
    expect(heard).toContain(`MAINPID=${pid}`);
    await waitUntil('the watchdog is fed', () => heard.includes('WATCHDOG=1'));
    const held = await open(join(mnt, 'images.tar.xz'));
    process.kill(pid, 'SIGTERM');
    await waitUntil('it says that it ends', () => heard.includes('STOPPING=1'));
    expect(heard).toContain('open files are read to their end: 1');
    await held.close();
    const { status, stderr } = await serving;
    expect(status).toBe(0);
    expect(stderr).toContain('the mount ends');
  }, 150_000);
});

const listenScript = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('listening', flush=True)
while True:
    print(s.recv(65536).decode(), flush=True)
`;

/** Ends the worker of the mount of `pid` as soon as there is one, and returns the nice values that its threads had. */
async function endWorker(pid: number): Promise<Set<string>> {
  let nice = '';
  await waitUntil('the worker runs', async () => {
    const { stdout } = await run('pgrep', ['-P', String(pid), '-f', 'mount-worker']).catch(() => ({
      stdout: '',
    }));
    if (stdout === '') return false;
    nice = (await run('ps', ['-L', '-o', 'ni=', '-p', stdout.trim()])).stdout;
    process.kill(Number(stdout), 'SIGTERM');
    return true;
  });
  return new Set(nice.trim().split(/\s+/));
}
