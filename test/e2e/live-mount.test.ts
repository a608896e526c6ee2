/** What people and service managers see of a live mount besides its bundle. */
import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { buildSampleImages } from '../fixtures/sample-images.ts';
import { writeLegacyArchive } from '../fixtures/write-legacy-archive.ts';
import { waitUntil } from '../mount/support/start-test-daemon.ts';
import { createLiveBench, type LiveBench } from '../support/live-bench.ts';
import { parseMetrics } from '../support/parse-metrics.ts';
import { makeTempFolder } from '../support/temp-folder.ts';

const run = promisify(execFile);
const project = fileURLToPath(new URL('../..', import.meta.url));

async function mountSample(...options: string[]): Promise<LiveBench & { readonly mnt: string }> {
  const bench = await createLiveBench();
  const mnt = await bench.mountPoint();
  const archive = join(bench.folder, 'images.tar');
  await writeLegacyArchive(archive, await buildSampleImages());
  await bench.runOk(['mount', '--from', archive, '--preset', '0', '--nice', '0', ...options, mnt]);
  return { ...bench, mnt };
}

it('.bundlefs is opened by its name, and no listing and no copy finds it', async () => {
  const { mnt, folder } = await mountSample();
  const status = JSON.parse(await readFile(join(mnt, '.bundlefs/status.json'), 'utf8')) as object;
  expect(status).toMatchObject({ format: 'bundlefs-status-1', mountPoint: mnt, generation: { number: 1 } });
  const recipe = JSON.parse(await readFile(join(mnt, '.bundlefs/recipe.json'), 'utf8')) as object;
  expect(recipe).toMatchObject({ format: 'bundlefs-recipe-1' });
  expect((await readdir(join(mnt, '.bundlefs'))).sort()).toEqual(['recipe.json', 'status.json']);
  expect((await run('cat', [join(mnt, '.bundlefs/status.json')])).stdout).toMatch(/^\{[\s\S]*\} *\n$/);
  await run('cp', [join(mnt, '.bundlefs/status.json'), folder]);
  expect((await stat(join(folder, 'status.json'))).size).toBeGreaterThan(500);
  JSON.parse(await readFile(join(folder, 'status.json'), 'utf8'));

  const listed = (await run('ls', ['-a', mnt])).stdout;
  expect(listed).toContain('images.tar.xz');
  expect(listed).not.toContain('.bundlefs');
  await run('cp', ['-r', mnt, join(folder, 'copied')]);
  await run('rsync', ['-a', `${mnt}/`, join(folder, 'synced')]);
  for (const copy of ['copied', 'synced']) {
    expect(await readdir(join(folder, copy))).toEqual(await readdir(mnt));
  }
  expect((await run('find', [mnt])).stdout).not.toContain('.bundlefs');
});

it('the metrics file is there while the mount is, and right', async () => {
  const folder = await makeTempFolder();
  const metricsPath = join(folder, 'metrics.prom');
  const bench = await mountSample('--metrics', metricsPath);
  const { mnt } = bench;
  await waitUntil('metrics are written', () =>
    stat(metricsPath).then(
      () => true,
      () => false,
    ),
  );
  const values = new Map(
    parseMetrics(await readFile(metricsPath, 'utf8')).map(({ name, value }) => [name, value]),
  );
  expect(values.get('bundlefs_bundle_bytes')).toBe((await stat(join(mnt, 'images.tar.xz'))).size);
  await bench.runOk(['refresh', mnt]);
  await waitUntil('the refresh is counted', async () => {
    const samples = parseMetrics(await readFile(metricsPath, 'utf8'));
    return samples.some(({ name, value }) => name === 'bundlefs_refreshes_total' && value === 1);
  });
  await bench.runOk(['unmount', mnt]);
  expect(await readdir(folder)).toEqual([]);
});

it('--log json writes one object a line, and bundlefs log shows it, after the end of the mount too', async () => {
  const bench = await mountSample('--log', 'json');
  const { mnt } = bench;
  await bench.runOk(['refresh', mnt]);
  const messages = async (...args: string[]): Promise<string[]> => {
    const { stdout } = await bench.runOk(['log', ...args, mnt]);
    const lines = stdout.toString().split('\n').slice(0, -1);
    return lines.map((line) => (JSON.parse(line) as { message: string }).message);
  };
  const all = await messages();
  expect(all[0]).toContain('mounted at');
  expect(all.slice(1)).toEqual(['refresh begins', 'refresh found nothing new']);
  expect(await messages('-n', '1')).toEqual(['refresh found nothing new']);
  await bench.runOk(['unmount', mnt]);
  expect(await messages('-n', '1')).toEqual(['the mount ends']);
});

it('what standard input gave cannot be watched, nor read again', async () => {
  const bench = await createLiveBench();
  const mnt = await bench.mountPoint();
  const archive = join(bench.folder, 'images.tar');
  await writeLegacyArchive(archive, await buildSampleImages());
  const input = [await readFile(archive)];
  const watching = await bench.run(['mount', '--watch', '--from', '-', mnt], { input });
  expect(watching.status).toBe(2);
  expect(watching.stderr).toContain('it can be read once only');
  await bench.runOk(['mount', '--from', '-', '--preset', '0', '--nice', '0', mnt], { input });
  const refresh = await bench.run(['refresh', mnt]);
  expect(refresh.status).toBe(2);
  expect(refresh.stderr).toContain('came from standard input');
  expect(await readdir(mnt)).toContain('images.tar.xz');
});

it('says what to do where there is no such mount', async () => {
  const bench = await createLiveBench();
  for (const verb of ['status', 'refresh', 'log']) {
    const unnamed = await bench.run([verb]);
    expect([verb, unnamed.status]).toEqual([verb, 8]);
    const named = await bench.run([verb, join(bench.folder, 'nowhere')]);
    expect([verb, named.status]).toEqual([verb, 8]);
    expect(named.stderr).toContain('bundlefs list');
  }
});

it('mount(8) mounts a bundle by its helper, with options as /etc/fstab has them', async () => {
  const bench = await createLiveBench();
  const mnt = join(bench.folder, 'mnt');
  const [upper, work] = [join(bench.folder, 'upper'), join(bench.folder, 'work')];
  for (const path of [mnt, upper, work]) await mkdir(path);
  const archive = join(bench.folder, 'all images.tar');
  await writeLegacyArchive(archive, await buildSampleImages());
  await symlink(join(project, 'bin/mount.bundlefs'), join(upper, 'mount.bundlefs'));
  // In a mount namespace of its own, where the helper lies in /sbin, and whose mounts are gone when it ends.
  const script = `
    set -e
    mount -t tmpfs none "${work}" && mkdir "${work}/up" "${work}/work" && cp -P "${upper}/mount.bundlefs" "${work}/up/"
    mount -t overlay none -o "lowerdir=/usr/sbin,upperdir=${work}/up,workdir=${work}/work" /usr/sbin
    mount -t bundlefs "$1" "$2" -o "noauto,x-systemd.automount,watch,preset=0,settle=0.5,nice=0,allow_other"
    findmnt -n -o FSTYPE "$2"
    ls "$2"
    "$3" status "$2"
    ! mount -t bundlefs "$1.absent" "$2" -o preset=0
    umount "$2"
    while "$3" list | grep -qF "$2"; do sleep 0.1; done
  `;
  const { stdout } = await run(
    'unshare',
    ['-m', '--propagation', 'private', 'sh', '-c', script, 'sh', archive, mnt, join(project, 'bin/bundlefs')],
    { env: { ...process.env, ...bench.env } },
  );
  expect(stdout).toContain('fuse.bundlefs');
  expect(stdout).toContain('images.tar.xz');
  expect(stdout).toMatch(/watching for changes|soon|running/);
}, 60_000);

it('systemd takes the unit files as they are', async () => {
  const bench = await createLiveBench();
  const env = { ...process.env, ...bench.env, SYSTEMD_LOG_LEVEL: 'warning' };
  const verify = (...args: string[]): ReturnType<typeof run> =>
    run('systemd-analyze', ['verify', '--man=no', ...args], { env });
  expect((await verify(join(project, 'systemd/bundlefs@.service'))).stderr).toBe('');
  expect((await verify('--user', join(project, 'systemd/user/bundlefs@.service'))).stderr).toBe('');
}, 60_000);
