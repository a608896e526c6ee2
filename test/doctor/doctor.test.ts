/** The doctor on machines that really lack something. */
import { execFile, execFileSync, spawn } from 'node:child_process';
import { cp, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Finding } from '../../src/doctor/finding.ts';
import { MountBench, isAlive, waitUntil } from '../mount/support/start-test-daemon.ts';
import { programPath, runCli, type RunCliOptions } from '../support/run-cli.ts';
import { makeTempFolder } from '../support/temp-folder.ts';
import { startNewerEngine } from '../support/newer-engine.ts';
import { startEngine } from '../support/throwaway-engine.ts';

const run = promisify(execFile);
const project = dirname(dirname(programPath));

interface Diagnosis {
  readonly status: number;
  readonly findings: readonly Finding[];
}

/** In a home of its own, so that nobody's mounts are seen. */
async function diagnose(args: readonly string[] = [], options: RunCliOptions = {}): Promise<Diagnosis> {
  const home = await makeTempFolder();
  const env = { XDG_STATE_HOME: home, XDG_RUNTIME_DIR: home, ...options.env };
  const { status, stdout } = await runCli(['doctor', '--json', ...args], { cache: home, ...options, env });
  const told = JSON.parse(stdout.toString()) as Diagnosis;
  expect(told.status).toBe(status);
  return told;
}

function of(subject: string, { findings }: Diagnosis): readonly Finding[] {
  return findings.filter((finding) => finding.subject === subject);
}

/** Runs the doctor in a mount namespace of its own, after `prepare`. */
async function diagnoseElsewhere(prepare: string): Promise<Diagnosis> {
  const home = await makeTempFolder();
  const command = `set -e; mount --make-rprivate /; ${prepare}; exec "$0" doctor --json --from x.tar`;
  const env = { ...process.env, XDG_STATE_HOME: home, BUNDLEFS_CACHE: home };
  const { stdout } = await run('unshare', ['-m', 'sh', '-c', command, programPath], { env }).catch(
    (error: unknown) => error as { stdout: string },
  );
  return JSON.parse(stdout) as Diagnosis;
}

describe('bundlefs doctor', () => {
  it('finds nothing in the way where an engine answers, and leaves nothing behind', async () => {
    await using engine = await startEngine();
    const before = await readdir(tmpdir());
    const diagnosis = await diagnose([], { env: { DOCKER_HOST: engine.host } });
    expect(diagnosis.findings.filter(({ level }) => level === 'problem')).toEqual([]);
    expect(diagnosis.status).toBe(0);
    expect(of('mount', diagnosis)).toMatchObject([{ level: 'ok' }]);
    expect(of('libfuse', diagnosis)).toMatchObject([
      { level: 'ok', text: expect.stringContaining('takes the read module') as string },
    ]);
    expect(of('engine', diagnosis)).toMatchObject([
      { text: expect.stringContaining(`at ${engine.host} (from DOCKER_HOST)`) as string },
    ]);
    expect(of('engine store', diagnosis)).toHaveLength(1);
    const added = (await readdir(tmpdir())).filter((name) => !before.includes(name));
    expect(added.filter((name) => name.startsWith('bundlefs-doctor-'))).toEqual([]);
    const { stdout } = await runCli(['doctor'], { env: { DOCKER_HOST: engine.host } });
    expect(stdout.toString()).toMatch(/^ok +node .*\n(.*\n)*\nNothing stands in the way/);
  });

  it.each([
    ['graph driver', 'ok', /one by one/],
    ['containerd', 'warning', /refuses such an image/],
  ] as const)('says what a newer engine with a %s store means', async (store, level, text) => {
    await using engine = await startNewerEngine(store);
    const diagnosis = await diagnose([], { env: { DOCKER_HOST: engine.host } });
    const found = of('engine store', diagnosis);
    expect(found).toMatchObject([{ level, text: expect.stringMatching(text) as string }]);
    expect(diagnosis.status).toBe(0);
  });

  it('names the socket, and ends with status 4, where there is no engine', async () => {
    const diagnosis = await diagnose([], { env: { DOCKER_HOST: 'unix:///nowhere.sock' } });
    expect(diagnosis.status).toBe(4);
    expect(of('engine', diagnosis)).toMatchObject([
      { level: 'problem', text: expect.stringContaining('/nowhere.sock') as string },
    ]);
    const withArchive = await diagnose(['--from', 'a.tar'], { env: { DOCKER_HOST: 'unix:///nowhere.sock' } });
    expect(withArchive.status).toBe(0);
  });

  it('goes by the project file, and says what is wrong with it', async () => {
    const folder = await makeTempFolder();
    const config = join(folder, 'bundlefs.yaml');
    await writeFile(config, 'from: images.tar\ncache: kept\ngc: { maxSize: 2G }\n');
    const good = await diagnose(['--config', config]);
    expect(of('engine', good)[0]?.text).toContain('images.tar');
    expect(of('cache', good)[0]?.text).toContain(join(folder, 'kept'));
    expect(of('cache limit', good)[0]?.text).toMatch(/^2\.1 GB/);
    await writeFile(config, 'fron: images.tar\n');
    const bad = await diagnose(['--config', config]);
    expect(bad.findings[0]).toMatchObject({ subject: 'project file', code: 'selection-invalid' });
    expect(of('addon', bad)).toMatchObject([{ level: 'ok' }]);
  });

  it('works without the addon, and ends with status 9', async () => {
    const tree = await makeTempFolder();
    for (const name of ['bin', 'dist', 'package.json']) {
      await cp(join(project, name), join(tree, name), { recursive: true });
    }
    await symlink(join(project, 'node_modules'), join(tree, 'node_modules'));
    const { stdout, status } = await runElsewhere(join(tree, 'bin/bundlefs'));
    expect(status).toBe(9);
    expect(stdout).toMatch(/^problem +addon .*it has not been built\n +-> Run bin\/setup/m);
    expect(stdout).toMatch(/^warning +libfuse .*without the addon/m);
    expect(stdout).toMatch(/^ok +mount /m);
  });

  it('warns where PATH has no xz, and says which limit is no size', async () => {
    const path = await makeTempFolder();
    for (const name of ['node', 'env', 'fusermount']) {
      await symlink(execFileSync('which', [name], { encoding: 'utf8' }).trim(), join(path, name));
    }
    const diagnosis = await diagnose(['--from', 'a.tar'], {
      env: { PATH: path, BUNDLEFS_CACHE_MAX_SIZE: 'much' },
    });
    expect(of('xz', diagnosis)).toMatchObject([
      { level: 'warning', cure: expect.stringContaining('xz-utils') as string },
    ]);
    expect(of('cache limit', diagnosis)).toMatchObject([{ level: 'problem' }]);
    expect(diagnosis.status).toBe(2);
  });

  it('says to a user who may do nothing what to ask for', async () => {
    const cache = await makeTempFolder();
    const user = ['--reuid', '65534', '--regid', '65534', '--clear-groups', programPath];
    const args = ['doctor', '--json', '--from', 'a.tar', '--cache', join(cache, 'mine')];
    const env = { PATH: process.env['PATH'] ?? '', HOME: cache };
    const { stdout } = await run('setpriv', [...user, ...args], { env }).catch(
      (error: unknown) => error as { stdout: string },
    );
    const diagnosis = JSON.parse(stdout) as Diagnosis;
    expect(of('cache', diagnosis)).toMatchObject([{ level: 'problem', code: 'cache-read-only' }]);
    expect(of('user_allow_other', diagnosis)).toHaveLength(1);
    expect(of('addon', diagnosis)).toMatchObject([{ level: 'ok' }]);
    expect([6, 8]).toContain(diagnosis.status);
  });

  it('finds a missing device, and a file that takes its place', async () => {
    const absent = await diagnoseElsewhere(
      'mount -t tmpfs tmpfs /dev; mknod -m 666 /dev/null c 1 3; mknod -m 666 /dev/urandom c 1 9',
    );
    expect(of('/dev/fuse', absent)).toMatchObject([{ level: 'problem', text: 'it does not exist' }]);
    expect(of('mount', absent)).toEqual([]);
    expect(absent.status).toBe(8);
    const wrong = await diagnoseElsewhere('mount --bind /dev/null /dev/fuse');
    expect(of('mount', wrong)).toMatchObject([{ level: 'problem' }]);
    expect(wrong.status).toBe(8);
  });

  it('finds a mount that still stands though its daemon is gone', async () => {
    const bench = await MountBench.create();
    onTestFinished(() => bench.remove());
    const { mountPoint, pid } = await bench.mount();
    const { stdout } = await run('ps', ['-o', 'pid=', '--ppid', String(pid)]);
    for (const one of [...stdout.trim().split(/\s+/).map(Number), pid]) process.kill(one, 'SIGKILL');
    await waitUntil('the daemon is dead', () => !isAlive(pid));
    const diagnosis = await diagnose(['--from', 'a.tar']);
    expect(of('mounts', diagnosis)).toContainEqual(
      expect.objectContaining({
        level: 'warning',
        text: `"${mountPoint}" is dead: its daemon is gone`,
        cure: `bundlefs unmount "${mountPoint}"`,
      }),
    );
    expect(diagnosis.status).toBe(0);
  });

  it('finds podman where its service runs', async () => {
    const folder = await makeTempFolder();
    await mkdir(join(folder, 'podman'));
    const socketPath = join(folder, 'podman/podman.sock');
    const service = spawn('podman', [
      ...['--root', join(folder, 'r'), '--runroot', join(folder, 'rr'), '--storage-driver', 'vfs'],
      ...['--events-backend', 'none', 'system', 'service', '--time', '60', `unix://${socketPath}`],
    ]);
    onTestFinished(() => {
      service.kill('SIGKILL');
    });
    await waitUntil('podman listens', async () => (await readdir(join(folder, 'podman'))).length > 0);
    const diagnosis = await diagnose(['--from', 'a.tar'], { env: { XDG_RUNTIME_DIR: folder } });
    expect(of('podman', diagnosis)).toMatchObject([
      { level: 'ok', text: expect.stringContaining(`--from docker:unix://${socketPath}`) as string },
    ]);
  });
});

async function runElsewhere(program: string): Promise<{ stdout: string; status: number }> {
  const home = await makeTempFolder();
  const env = { ...process.env, XDG_STATE_HOME: home, BUNDLEFS_CACHE: home };
  return run(program, ['doctor', '--from', 'a.tar'], { env }).then(
    ({ stdout }) => ({ stdout, status: 0 }),
    (error: unknown) => {
      const { stdout, code } = error as { stdout: string; code: number };
      return { stdout, status: code };
    },
  );
}
