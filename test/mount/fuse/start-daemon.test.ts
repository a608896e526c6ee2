/** Starting a daemon: it is ready when the call returns, and what kept it from starting is known to the caller. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile, realpath, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { findMount } from '../../../src/disk/mountinfo.ts';
import { startDaemon } from '../../../src/mount/fuse/start-daemon.ts';
import { unmountBundle } from '../../../src/mount/fuse/unmount.ts';
import {
  hungUp,
  isAlive,
  MountBench,
  testDaemonExecArgv,
  testDaemonScript,
  waitUntil,
} from '../support/start-test-daemon.ts';
import { archiveName, folderName } from '../support/test-directory.ts';

const run = promisify(execFile);
let bench: MountBench;

beforeAll(async () => {
  bench = await MountBench.create();
});
afterAll(() => bench.remove());

test('startDaemon returns when the mount is there, and leaves a process of a session of its own in /', async () => {
  const mountPoint = await bench.createMountPoint();
  const pidPath = join(bench.folder, 'daemon.pid');
  const { pid, payload } = await bench.start(mountPoint, { options: { pidPath } });
  expect(await findMount(mountPoint)).toMatchObject({ mountPoint });
  expect(payload).toEqual({ mountPoint });
  expect(await readFile(pidPath, 'utf8')).toBe(`${pid}\n`);
  expect(await realpath(`/proc/${pid}/cwd`)).toBe('/');
  const status = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /, '').split(' ');
  expect(status[3]).toBe(String(pid));
  await unmountBundle(mountPoint);
  await expect(readFile(pidPath)).rejects.toMatchObject({ code: 'ENOENT' });
});

test("startDaemon throws the daemon's own error, with its code and hint", async () => {
  const path = join(bench.folder, 'absent');
  await expect(bench.start(path)).rejects.toMatchObject({
    name: 'BundleError',
    code: 'mount-point-invalid',
    message: `Cannot mount at "${path}": there is no such folder`,
    hint: `Make it: mkdir -p "${path}"`,
  });
});

test.each([
  ['at once', 'it ended with status 7'],
  ['by SIGKILL', 'it was ended by SIGKILL'],
] as const)('startDaemon notices a daemon that dies %s', async (dies, how) => {
  await expect(bench.start(await bench.createMountPoint(), { dies })).rejects.toMatchObject({
    code: 'mount-failed',
    message: `Cannot start the daemon: ${how} before the mount was there`,
    hint: expect.stringContaining(bench.logPath) as string,
  });
});

test('startDaemon shows the end of the log of a daemon that dies without a word', async () => {
  const absent = join(bench.folder, 'absent.js');
  await expect(startDaemon(absent, [], { logPath: bench.logPath, execArgv: [] })).rejects.toMatchObject({
    code: 'mount-failed',
    hint: expect.stringContaining(`Cannot find module '${absent}'`) as string,
  });
});

test('startDaemon names a log that cannot be opened', async () => {
  const logPath = join(bench.folder, 'absent', 'log');
  await expect(startDaemon('x', [], { logPath })).rejects.toMatchObject({
    code: 'mount-failed',
    message: expect.stringContaining(`Cannot open the log "${logPath}"`) as string,
  });
});

test('startDaemon that is aborted ends the daemon before it rejects', async () => {
  const mountPoint = await bench.createMountPoint();
  const controller = new AbortController();
  const started = bench.start(mountPoint, { starts: 'never', options: {} }, controller.signal);
  controller.abort(new Error('changed my mind'));
  await expect(started).rejects.toThrow('changed my mind');
  expect(await findMount(mountPoint)).toBeUndefined();
});

test('a process that started a daemon can end by itself, and the daemon lives on', async () => {
  const mountPoint = await bench.createMountPoint();
  const script = join(bench.folder, 'starter.mts');
  const args = [testDaemonScript, [mountPoint], { logPath: bench.logPath, execArgv: testDaemonExecArgv }];
  await writeFile(
    script,
    `import { startDaemon } from ${JSON.stringify(new URL('../../../src/mount/fuse/start-daemon.ts', import.meta.url))};
     console.log((await startDaemon(...${JSON.stringify(args)})).pid);`,
  );
  const { stdout } = await run(process.execPath, [...testDaemonExecArgv, script], { timeout: 60_000 });
  expect(isAlive(Number(stdout))).toBe(true);
  expect(await readFile(join(mountPoint, folderName, 'one.tar'), 'utf8')).toBe('one');
  await unmountBundle(mountPoint);
  await waitUntil('the daemon ends', () => !isAlive(Number(stdout)));
});

test('a daemon whose starter dies before the mount is there ends too', async () => {
  const daemon = bench.fork(await bench.createMountPoint(), { starts: 'never' });
  daemon.disconnect();
  expect(await once(daemon, 'exit')).toEqual([1, null]);
});

test.each([
  ['0 when told to end', 'SIGTERM', {}, 0],
  ['0 when files were open longer than allowed', 'SIGTERM', { options: { drainTimeoutMs: 20 } }, 0],
  ['1 when it crashed', 'SIGUSR2', { dies: 'at signal' }, 1],
] as const)('a daemon ends with status %s', async (_, signal, settings, status) => {
  const mountPoint = await bench.createMountPoint();
  const daemon = bench.fork(mountPoint, settings);
  await once(daemon, 'message');
  const holdsOpen = 'options' in settings;
  const file = await open(join(mountPoint, archiveName));
  if (!holdsOpen) await file.close();
  daemon.kill(signal);
  expect(await once(daemon, 'exit')).toEqual([status, null]);
  expect(await findMount(mountPoint)).toBeUndefined();
  if (holdsOpen) await expect(file.close()).rejects.toMatchObject({ code: hungUp });
});
