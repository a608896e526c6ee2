/** The ends of a mount: asked for, lazily, by others, by a crash; with readers and without. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { open, readdir, readFile, readlink, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { findMount } from '../../../src/disk/mountinfo.ts';
import { unmountBundle } from '../../../src/mount/fuse/unmount.ts';
import { generateBytes } from '../support/generated-file.ts';
import { hungUp, isAlive, MountBench, waitUntil } from '../support/start-test-daemon.ts';
import { archiveName, folderName, slow } from '../support/test-directory.ts';

const run = promisify(execFile);
const slowHash = createHash('sha256')
  .update(generateBytes(slow.seed, 0, slow.size))
  .digest('hex');
let bench: MountBench;

beforeAll(async () => {
  bench = await MountBench.create();
});
afterAll(() => bench.remove());

/** Starts reading the slow file with sha256sum; resolves to the promise of what it prints. */
async function startSlowReader(mountPoint: string): Promise<{ done: Promise<string> }> {
  const path = join(mountPoint, slow.name);
  const reader = run('sha256sum', [path]);
  const done = reader.then(({ stdout }) => stdout.slice(0, 64));
  done.catch(() => undefined);
  const folder = `/proc/${reader.child.pid ?? 0}/fd`;
  await waitUntil('the reader has opened the file', async () => {
    const links = await readdir(folder).catch(() => []);
    const targets = await Promise.all(links.map((link) => readlink(join(folder, link)).catch(() => '')));
    return targets.includes(path);
  });
  return { done };
}

describe('unmountBundle', () => {
  test('ends a mount and its daemon, and can be followed by another at once', async () => {
    const { mountPoint, pid } = await bench.mount();
    await readFile(join(mountPoint, archiveName));
    await unmountBundle(mountPoint);
    expect(await findMount(mountPoint)).toBeUndefined();
    expect(isAlive(pid)).toBe(false);
    expect(await readdir(mountPoint)).toEqual([]);
    await bench.start(mountPoint);
    const link = join(bench.folder, 'link');
    await symlink(mountPoint, link);
    await unmountBundle(link);
    expect(await findMount(mountPoint)).toBeUndefined();
  });

  test('is refused while a file is open, naming who has it, and the mount goes on', async () => {
    const { mountPoint, pid } = await bench.mount();
    const file = await open(join(mountPoint, archiveName));
    await expect(unmountBundle(mountPoint)).rejects.toMatchObject({
      code: 'mount-point-busy',
      message: expect.stringContaining(`(process ${process.pid})`) as string,
      hint: expect.stringContaining('--lazy') as string,
    });
    await expect(unmountBundle(mountPoint)).rejects.not.toThrow(`process ${pid}`);
    expect((await file.read(Buffer.alloc(10))).bytesRead).toBe(10);
    await file.close();
    await unmountBundle(mountPoint);
    expect(isAlive(pid)).toBe(false);
  });

  test('lazily detaches at once, lets what is open be read to its end, and then ends the daemon', async () => {
    const { mountPoint, pid } = await bench.mount();
    const { done } = await startSlowReader(mountPoint);
    await unmountBundle(mountPoint, { lazy: true });
    expect(await readdir(mountPoint)).toEqual([]);
    expect(isAlive(pid)).toBe(true);
    expect(await done).toBe(slowHash);
    await waitUntil('the daemon ends', () => !isAlive(pid));
  });

  test('lazily, the end of the old daemon leaves a new mount at the same place alone', async () => {
    const { mountPoint, pid } = await bench.mount();
    const file = await open(join(mountPoint, archiveName));
    await unmountBundle(mountPoint, { lazy: true });
    const { pid: newPid } = await bench.start(mountPoint);
    await file.close();
    await waitUntil('the old daemon ends', () => !isAlive(pid));
    await waitUntil('its children end', async () => {
      const { stdout } = await run('ps', ['-eo', 'ppid=,args=']);
      return !new RegExp(`^ *${pid} `, 'm').test(stdout);
    });
    expect(await readFile(join(mountPoint, folderName, 'one.tar'), 'utf8')).toBe('one');
    await unmountBundle(mountPoint);
    expect(isAlive(newPid)).toBe(false);
  });

  test('clears away a mount whose daemon does not answer', async () => {
    const { mountPoint, pid } = await bench.mount();
    process.kill(pid, 'SIGSTOP');
    await unmountBundle(mountPoint, { lazy: true, timeoutMs: 100 });
    expect(await findMount(mountPoint)).toBeUndefined();
    process.kill(pid, 'SIGCONT');
    await waitUntil('the daemon ends', () => !isAlive(pid));
  });

  test('says what is there where it is no bundle', async () => {
    const { mountPoint } = await bench.mount();
    const other = await bench.createMountPoint();
    await run('mount', ['-t', 'tmpfs', 'their-source', other]);
    const cases = [
      [bench.folder, 'no bundle is mounted there'],
      [join(bench.folder, 'absent'), 'there is no such folder'],
      [other, '"their-source" (tmpfs) is mounted there, no bundle'],
      [join(mountPoint, archiveName), 'it is in a mount, not the mount itself'],
    ] as const;
    for (const [path, found] of cases) {
      await expect(unmountBundle(path)).rejects.toMatchObject({
        code: 'not-mounted',
        message: `Cannot unmount "${path}": ${found}`,
      });
    }
    expect(await findMount(other)).toBeDefined();
    await run('umount', [other]);
  });
});

describe('a daemon', () => {
  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    'that gets %s takes the mount away at once and serves what is open to its end',
    async (signal) => {
      const { mountPoint, pid } = await bench.mount();
      const { done } = await startSlowReader(mountPoint);
      process.kill(pid, signal);
      await waitUntil('the mount is gone', async () => (await findMount(mountPoint)) === undefined);
      expect(await done).toBe(slowHash);
      await waitUntil('the daemon ends', () => !isAlive(pid));
    },
    30_000,
  );

  test('told twice waits for nobody: readers get an error, not wrong bytes', async () => {
    const { mountPoint, pid } = await bench.mount();
    const { done } = await startSlowReader(mountPoint);
    process.kill(pid, 'SIGTERM');
    await waitUntil('the mount is gone', async () => (await findMount(mountPoint)) === undefined);
    process.kill(pid, 'SIGTERM');
    await expect(done).rejects.toMatchObject({ code: 1 });
    await waitUntil('the daemon ends', () => !isAlive(pid));
  });

  test('waits for open files no longer than it was allowed to', async () => {
    const { mountPoint, pid } = await bench.mount({ options: { drainTimeoutMs: 50 } });
    const file = await open(join(mountPoint, archiveName));
    process.kill(pid, 'SIGTERM');
    await waitUntil('the daemon ends', () => !isAlive(pid));
    await expect(file.read(Buffer.alloc(10), { position: 0 })).rejects.toMatchObject({ code: hungUp });
    await expect(file.close()).rejects.toMatchObject({ code: hungUp });
    expect(await readdir(mountPoint)).toEqual([]);
  });

  test('that is killed leaves no mount behind', async () => {
    const { mountPoint, pid } = await bench.mount();
    process.kill(pid, 'SIGKILL');
    await waitUntil('the mount is gone', async () => (await findMount(mountPoint)) === undefined);
    expect(await readdir(mountPoint)).toEqual([]);
  });

  test('that crashes takes its mount away and says why in the log', async () => {
    const { mountPoint, pid } = await bench.mount({ dies: 'at signal' });
    process.kill(pid, 'SIGUSR2');
    await waitUntil('the daemon ends', () => !isAlive(pid));
    expect(await findMount(mountPoint)).toBeUndefined();
    expect(await readFile(bench.logPath, 'utf8')).toContain('Error: nobody catches this');
  });

  test.each([
    ['umount', []],
    ['umount', ['-l']],
    ['fusermount', ['-u']],
  ])(
    'ends when somebody uses %s %j',
    async (command, args) => {
      const { mountPoint, pid } = await bench.mount();
      await run(command, [...args, mountPoint]);
      await waitUntil('the daemon ends', () => !isAlive(pid));
      expect(await readdir(mountPoint)).toEqual([]);
    },
    30_000,
  );

  test('ends when the connection is torn down under an open file', async () => {
    const { mountPoint, pid } = await bench.mount();
    const file = await open(join(mountPoint, archiveName));
    await run('umount', ['-f', '-l', mountPoint]);
    await waitUntil('the daemon ends', () => !isAlive(pid));
    await expect(file.read(Buffer.alloc(10))).rejects.toThrow();
    await file.close().catch(() => undefined);
  });
});
