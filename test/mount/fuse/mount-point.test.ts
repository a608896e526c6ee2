/** Where a bundle can be mounted, and what is said where it cannot. */
import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { prepareMountPoint } from '../../../src/mount/fuse/mount-point.ts';
import { findMount } from '../../../src/disk/mountinfo.ts';
import { isAlive, MountBench, waitUntil } from '../support/start-test-daemon.ts';
import { folderName } from '../support/test-directory.ts';

const run = promisify(execFile);
let bench: MountBench;

beforeAll(async () => {
  bench = await MountBench.create();
});
afterAll(() => bench.remove());

/** Ends a daemon and those who watch over it, so that its mount is left behind. */
async function leaveStale({ mountPoint, pid }: { mountPoint: string; pid: number }): Promise<void> {
  const { stdout } = await run('ps', ['-o', 'pid=', '--ppid', String(pid)]);
  const watchers = stdout.trim().split(/\s+/).map(Number);
  for (const process_ of [...watchers, pid]) process.kill(process_, 'SIGKILL');
  await waitUntil('the daemon is dead', () => !isAlive(pid));
  await waitUntil('its mount is stale', () =>
    readdir(mountPoint).then(
      () => false,
      (error: unknown) => error instanceof Error && 'code' in error && error.code === 'ENOTCONN',
    ),
  );
}

test('an empty folder is fine, and named without symbolic links', async () => {
  const path = await bench.createMountPoint();
  expect(await prepareMountPoint(path)).toBe(path);
  await symlink(path, join(bench.folder, 'link'));
  expect(await prepareMountPoint(join(bench.folder, 'link'))).toBe(path);
});

test('what is absent is invalid, and how to make it is said', async () => {
  const path = join(bench.folder, 'absent');
  await expect(prepareMountPoint(path)).rejects.toMatchObject({
    code: 'mount-point-invalid',
    message: `Cannot mount at "${path}": there is no such folder`,
    hint: `Make it: mkdir -p "${path}"`,
  });
});

test('a file, and a folder that is not empty, are invalid', async () => {
  const path = join(bench.folder, 'file');
  await writeFile(path, 'x');
  await expect(prepareMountPoint(path)).rejects.toMatchObject({
    code: 'mount-point-invalid',
    message: expect.stringContaining('it is no folder') as string,
  });
  await expect(prepareMountPoint(bench.folder)).rejects.toMatchObject({
    code: 'mount-point-invalid',
    message: expect.stringContaining('the folder is not empty') as string,
  });
  await expect(prepareMountPoint(join(path, 'below'))).rejects.toMatchObject({ code: 'mount-point-invalid' });
});

test('a path too long for fuse-native is invalid', async () => {
  const path = join(bench.folder, ...Array.from({ length: 5 }, () => 'x'.repeat(240)));
  await mkdir(path, { recursive: true });
  await expect(prepareMountPoint(path)).rejects.toMatchObject({ code: 'mount-point-invalid' });
  await rm(join(bench.folder, 'x'.repeat(240)), { recursive: true });
});

test("somebody else's mount is busy, named, and left alone", async () => {
  const path = await bench.createMountPoint();
  await run('mount', ['-t', 'tmpfs', 'their-source', path]);
  await expect(prepareMountPoint(path)).rejects.toMatchObject({
    code: 'mount-point-busy',
    message: `Cannot mount at "${path}": "their-source" (tmpfs) is mounted there`,
  });
  expect(await findMount(path)).toMatchObject({ type: 'tmpfs' });
  await run('umount', [path]);
});

test('a bundle that is mounted already is busy, by a symbolic link too, and goes on', async () => {
  const { mountPoint } = await bench.mount();
  const link = join(bench.folder, 'link to mount');
  await symlink(mountPoint, link);
  for (const path of [mountPoint, link]) {
    await expect(bench.start(path)).rejects.toMatchObject({
      code: 'mount-point-busy',
      message: `Cannot mount at "${path}": a bundle is mounted there already`,
      hint: `End it first: bundlefs unmount "${path}"`,
    });
  }
  expect(await readFile(join(mountPoint, folderName, 'one.tar'), 'utf8')).toBe('one');
});

test('a bundle that does not answer is busy after a while', async () => {
  const { mountPoint, pid } = await bench.mount();
  process.kill(pid, 'SIGSTOP');
  await expect(prepareMountPoint(mountPoint, { timeoutMs: 500 })).rejects.toMatchObject({
    code: 'mount-point-busy',
    hint: `End it first: bundlefs unmount --lazy "${mountPoint}"`,
  });
  process.kill(pid, 'SIGCONT');
  expect(await readFile(join(mountPoint, folderName, 'one.tar'), 'utf8')).toBe('one');
});

test('a mount whose daemon was killed with its watcher is cleared away and mounted anew', async () => {
  const mount = await bench.mount();
  await leaveStale(mount);
  await bench.start(mount.mountPoint);
  expect(await readFile(join(mount.mountPoint, folderName, 'one.tar'), 'utf8')).toBe('one');
});

test('two daemons that start at one moment do not both mount', async () => {
  const mountPoint = await bench.createMountPoint();
  const results = await Promise.allSettled([bench.start(mountPoint), bench.start(mountPoint)]);
  const codes = results.map((result) =>
    result.status === 'fulfilled' ? 'mounted' : (result.reason as { code: string }).code,
  );
  expect(codes.filter((code) => code === 'mounted').length).toBeLessThanOrEqual(1);
  for (const code of codes) expect(code).toMatch(/^(mounted|mount-point-busy|mount-failed)$/);
});
