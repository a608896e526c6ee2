import { type ChildProcess, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { lstat, mkdir, readdir, readFile, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, afterAll, vi } from 'vitest';
import { mkdtemp, rm } from 'node:fs/promises';
import { buildSampleImages } from '../fixtures/sample-images.ts';
import { layerOf, makeEmpty, omit } from '../fixtures/archive-members.ts';
import { writeLegacyArchive } from '../fixtures/write-legacy-archive.ts';
import { writeOciLayout } from '../fixtures/write-oci-layout.ts';
import { type CliResult, programPath, runCli, runCliOk } from '../support/run-cli.ts';

let folder: string;
const at = (name: string): string => join(folder, name);

/** Everything that a user may name by mistake, in one folder. */
beforeAll(async () => {
  folder = await mkdtemp('/tmp/bfs-');
  const images = await buildSampleImages();
  const [web] = images;
  if (web === undefined) throw new Error('no sample');
  await writeLegacyArchive(at('good.tar'), images);
  await writeLegacyArchive(at('hollow.tar'), images, { faults: [omit(layerOf(web, 2))] });
  await writeLegacyArchive(at('delta.tar'), images, { faults: [makeEmpty(layerOf(web, 2))] });
  await writeLegacyArchive(at('cut.tar'), images);
  await truncate(at('cut.tar'), 300_000);
  await writeOciLayout(at('oci'), images);
  await writeFile(at('empty.tar'), '');
  await writeFile(at('letter.txt'), 'Dear customer,\n'.repeat(1000));
  await mkdir(at('folder'));
  await writeFile(at('folder/file'), '');
  await mkdir(at('mnt'));
  execFileSync('tar', ['-cf', at('files.tar'), '-C', at('folder'), 'file']);
  execFileSync('bash', ['-c', `gzip -c ${at('good.tar')} | head -c 100000 > ${at('cut.tar.gz')}`]);
  execFileSync('bash', [
    '-c',
    `bzip2 -c ${at('good.tar')} > ${at('good.tar.bz2')} || printf 'BZh91AY&SY' > ${at('good.tar.bz2')}`,
  ]);
  await runCliOk(['build', '--from', at('good.tar'), '-o', at('good.tar.xz'), '--preset', '1'], {
    cache: at('other'),
  });
  const flipped = await readFile(at('good.tar.xz'));
  flipped.writeUInt8(flipped.readUInt8(50_000) ^ 1, 50_000);
  await writeFile(at('flipped.tar.xz'), flipped);
  await writeFile(at('cut.tar.xz'), flipped.subarray(0, 60_000));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function build(from: string, ...rest: string[]): Promise<CliResult> {
  return runCli(['build', '--from', from, '-o', at('out.tar.xz'), '--preset', '0', ...rest], {
    cache: at('cache'),
  });
}

describe('bad input ends with its status and says what to do', () => {
  it.each([
    ['a missing archive', 'missing.tar', 5, /no such file/],
    ['an empty archive', 'empty.tar', 5, /is empty/],
    ['a truncated archive', 'cut.tar', 5, /ends|truncated/],
    ['a truncated gzip archive', 'cut.tar.gz', 5, /ends early/],
    ['a bzip2 archive', 'good.tar.bz2', 5, /bzip2/],
    ['a text file', 'letter.txt', 5, /not a tar archive/],
    ['a tar without images', 'files.tar', 5, /neither manifest\.json nor index\.json/],
    [
      'an archive that lacks a layer',
      'hollow.tar',
      5,
      /layer 3 of tiny\/web:1\.0[\s\S]*not in it[\s\S]*skopeo copy/,
    ],
    ['an archive with an emptied layer', 'delta.tar', 5, /layer 3 of tiny\/web:1\.0[\s\S]*delta/],
    ['a folder', 'folder', 5, /is a folder/],
    ['an OCI layout without oci:', 'oci', 5, /use oci:/],
    ['a bundle with a flipped bit', 'flipped.tar.xz', 5, /damaged|corrupt|not match|CRC|fit/i],
    ['a truncated bundle', 'cut.tar.xz', 5, /ends|truncated|footer/i],
  ])('%s', async (_, name, status, message) => {
    const result = await build(at(name));
    expect({ status: result.status, stderr: result.stderr }).toEqual({
      status,
      stderr: expect.stringMatching(message) as string,
    });
    expect(result.stderr).not.toMatch(/\n {4}at /);
    expect(await readdir(folder)).not.toContain('out.tar.xz');
  });

  it('an image that the archive lacks: status 3, with near misses', async () => {
    const result = await build(at('good.tar'), 'tiny/web:1.9');
    expect(result.status).toBe(3);
    expect(result.stderr).toContain('Did you mean tiny/web:1.0');
  });

  it.each([['Tiny/Web:1'], ['tiny/web:!'], ['tiny/web@sha256:12'], ['../etc']])(
    'the reference %s: status 2',
    async (name) => {
      const result = await build(at('good.tar'), name);
      expect(result.status).toBe(2);
      expect(result.stderr).toContain(`Cannot read image reference "${name}"`);
    },
  );

  it.each([
    ['an unknown verb', ['bild']],
    ['an unknown option', ['build', '--fast-please', '-o', 'x']],
    ['no output', ['build', 'a:1']],
    ['a preset that is none', ['build', 'a:1', '-o', 'x', '--preset', '10']],
    ['a check that is none', ['build', 'a:1', '-o', 'x', '--check', 'md5']],
  ])('%s: status 2', async (_, args) => {
    const { status, stderr } = await runCli(args);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^bundlefs: /);
  });

  it.each([
    ['image', ['build', '', '-o', 'x'], 'an argument'],
    ['folder to copy to', ['copy', '', 'a:1'], 'an argument'],
    ['cache', ['build', 'a:1', '-o', 'x', '--cache', ''], '--cache'],
    ['output', ['build', 'a:1', '-o', ''], '--output'],
    ['list', ['build', '--images-file', '', '-o', 'x'], '--images-file'],
    ['bundle', ['verify', ''], 'an argument'],
  ])('an empty %s, as of a variable that is not set: status 2', async (_, args, what) => {
    const { status, stderr } = await runCli(args);
    expect(status).toBe(2);
    expect(stderr).toContain(`bundlefs: Cannot use ${what} "": it is empty`);
  });

  it.each([
    ['a folder', 'folder', /it is a folder[^]*sh verify\.sh/],
    ['a part of a bundle', 'images.tar.xz.001', /one part of a split bundle[^]*sh verify\.sh/],
  ])('%s is no archive: says what checks it', async (_, name, message) => {
    for (const verb of ['verify', 'inspect']) {
      const { status, stderr } = await runCli([verb, at(name)]);
      expect({ status, stderr }).toEqual({ status: 5, stderr: expect.stringMatching(message) as string });
    }
  });

  it('metrics in a folder that is missing: status 7, before anything is mounted', async () => {
    const args = ['mount', '--from', at('good.tar'), '--metrics', at('no/shop.prom'), at('mnt')];
    const { status, stderr } = await runCli(args, { cache: at('unused') });
    expect({ status, stderr }).toEqual({
      status: 7,
      stderr: expect.stringContaining(`there is no folder "${at('no')}"\nMake it first: mkdir -p`) as string,
    });
    expect(await readdir(folder)).not.toContain('unused');
  });

  it('the archive that is read, as output: status 7, and it stays', async () => {
    const before = await readFile(at('good.tar'));
    await symlink('good.tar', at('good-link.tar'));
    for (const name of ['good.tar', 'good-link.tar']) {
      const result = await runCli(['build', '--from', at('good.tar'), '-o', at(name)], {
        cache: at('cache'),
      });
      expect(result.status).toBe(7);
      expect(result.stderr).toContain('what is to be written is made from');
    }
    expect((await readFile(at('good.tar'))).equals(before)).toBe(true);
  });

  it.each([
    ['squash', ['tiny/web:1.0', '--from', 'good.tar', '-o', 'good.tar']],
    [
      'thin',
      [
        'tiny/web:1.0',
        '--on',
        'tiny/web:1.0',
        '--from',
        'cut.tar',
        '--on-from',
        'good.tar',
        '-o',
        'good.tar',
      ],
    ],
    ['delta', ['--base', 'good.tar', '--from', 'cut.tar', '-o', 'good.tar']],
    ['delta', ['--for', 'docker', '--base', 'good.tar', '--from', 'cut.tar', '-o', 'good.tar']],
  ])('what %s reads, as its output: status 7, and it stays: %j', async (verb, args) => {
    const before = await readFile(at('good.tar'));
    const paths = args.map((word) => (word.endsWith('.tar') ? at(word) : word));
    const result = await runCli([verb, ...paths], { cache: at('cache') });
    expect(result.stderr).toContain('what is to be written is made from');
    expect(result.status).toBe(7);
    expect((await readFile(at('good.tar'))).equals(before)).toBe(true);
  });

  it('--env-file is an option of bundlefs, and not of Node', async () => {
    await writeFile(at('compose.yml'), 'services: { web: { image: "tiny/web:${TAG}" } }\n');
    const from = (name: string): Promise<CliResult> =>
      build(at('good.tar'), '--compose', at('compose.yml'), '--env-file', at(name));
    const missing = await from('missing.env');
    expect(missing.status).toBe(2);
    expect(missing.stderr).toContain(`Cannot use "${at('missing.env')}"`);
    await writeFile(at('prod.env'), 'TAG=1.0\n');
    const { status, stderr } = await from('prod.env');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    await rm(at('out.tar.xz'));
  });

  it('an output in a folder that is missing, or that is a folder: status 7, before anything is read', async () => {
    const missing = await runCli(['build', '--from', at('good.tar'), '-o', at('no/out.tar.xz')], {
      cache: at('unused'),
    });
    expect(missing.status).toBe(7);
    expect(missing.stderr).toContain('mkdir -p');
    expect(
      (await runCli(['build', '--from', at('good.tar'), '-o', at('folder')], { cache: at('unused') })).status,
    ).toBe(7);
    expect(await readdir(folder)).not.toContain('unused');
  });

  it('a device as output: status 7; a link is kept and its target replaced, with its mode', async () => {
    const device = await runCli(['build', '--from', at('good.tar'), '-o', '/dev/stdout'], {
      cache: at('cache'),
    });
    expect(device.status).toBe(7);
    expect(device.stderr).toContain('bundlefs stream');
    await mkdir(at('real'));
    await writeFile(at('real/target'), 'old', { mode: 0o600 });
    await symlink('real/target', at('link'));
    await runCliOk(['build', '--from', at('good.tar'), '-o', at('link'), '--preset', '0'], {
      cache: at('cache'),
    });
    expect((await lstat(at('link'))).isSymbolicLink()).toBe(true);
    expect((await stat(at('real/target'))).mode & 0o777).toBe(0o600);
    await runCliOk(['verify', at('real/target')]);
  });

  it('an image for another platform than is wanted: status 3', async () => {
    const result = await build(at('good.tar'), '--platform', 'linux/s390x');
    expect(result.status).toBe(3);
    expect(result.stderr).toContain('linux/s390x');
  });

  it('a named pipe that nobody writes to does not keep Ctrl-C from ending the program', async () => {
    execFileSync('mkfifo', [at('pipe')]);
    const building = await runCli(['build', '--from', at('pipe'), '-o', at('out.tar.xz')], {
      cache: at('cache-pipe'),
      onStart(child) {
        const timer = setInterval(() => {
          if (!existsSync(at('cache-pipe/v1/layers'))) return;
          clearInterval(timer);
          child.kill('SIGINT');
        }, 20);
      },
    });
    expect(building.status).toBe(130);
    expect((await runCli(['inspect', at('pipe')])).status).toBe(5);
    await rm(at('pipe'));
  });

  it('a cache that is not there, under cache info: status 6, and none is made', async () => {
    const result = await runCli(['cache', 'info', '--cache', at('typo')]);
    expect(result.status).toBe(6);
    expect(await readdir(folder)).not.toContain('typo');
  });

  it('partial files of another user are no reason to fail', async () => {
    const cache = at('shared');
    await mkdir(join(cache, 'v1/partial'), { recursive: true });
    await writeFile(join(cache, 'v1/partial/.x.0123.partial'), '', { mode: 0o600 });
    execFileSync('chmod', ['-R', 'a+rwX', cache]);
    execFileSync('chmod', ['600', join(cache, 'v1/partial/.x.0123.partial')]);
    execFileSync('chmod', ['a+rx', folder]);
    const info = `${programPath} cache info --cache ${cache}`;
    expect(
      execFileSync('setpriv', ['--reuid', '65534', '--clear-groups', 'sh', '-c', info], {
        encoding: 'utf8',
        env: { PATH: process.env['PATH'] },
      }),
    ).toContain('recipes');
    await rm(cache, { recursive: true });
  });

  it('an engine that is not there: status 4, naming the socket', async () => {
    const result = await runCli(['build', 'a:1', '-o', at('out.tar.xz')], {
      cache: at('cache'),
      env: { DOCKER_HOST: `unix://${at('no.sock')}` },
    });
    expect(result.status).toBe(4);
    expect(result.stderr).toContain(at('no.sock'));
  });

  it.each([
    ['missing', 'nowhere', /mkdir|no such|does not exist/i],
    ['not empty', 'folder', /not empty/],
    ['a file', 'letter.txt', /no folder|not a folder/],
  ])('a mount point that is %s: status 8, before anything is read', async (_, name, message) => {
    const result = await runCli(['mount', '--from', at('good.tar'), at(name)], { cache: at('unused') });
    expect(result.status).toBe(8);
    expect(result.stderr).toMatch(message);
    expect(await readdir(folder)).not.toContain('unused');
  });

  it('unmounting what is not mounted: status 8', async () => {
    const result = await runCli(['unmount', at('mnt')]);
    expect(result.status).toBe(8);
    expect(result.stderr).toContain('no bundle is mounted there');
  });

  it('a damaged bundle under verify: status 5, and a sound one: status 0', async () => {
    expect((await runCli(['verify', at('good.tar.xz')])).status).toBe(0);
    expect((await runCli(['verify', at('flipped.tar.xz')])).status).toBe(5);
    expect((await runCli(['verify', at('cut.tar.xz')])).status).toBe(5);
    const hollow = await runCli(['verify', at('hollow.tar'), '--json']);
    expect(hollow.status).toBe(5);
    const report = JSON.parse(hollow.stdout.toString()) as {
      faults: string[];
      images: { isSound: boolean }[];
    };
    expect(report.faults).toHaveLength(1);
    expect(report.images.map(({ isSound }) => isSound).sort()).toEqual([false, true, true]);
  });

  it('--fast beside --preset: status 2, naming both', async () => {
    const result = await runCli(['build', '--fast', '--preset', '6', '-o', at('both.tar.xz')]);
    expect(result.status).toBe(2);
    expect(result.stderr).toMatch(/--fast.*--preset/);
  });

  it('a stream to a terminal: status 2', () => {
    const command = `bin/bundlefs stream --from ${at('good.tar')} --cache ${at('cache')}; echo "status $?"`;
    const said = execFileSync('script', ['-qec', command, '/dev/null'], { encoding: 'utf8' });
    expect(said).toContain('standard output is a terminal');
    expect(said).toContain('status 2');
  });
});

describe('Ctrl-C', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)(
    '%s ends a build with 130 and leaves nothing half-written',
    async (signal) => {
      const images = await buildSampleImages({ scale: 20 });
      await writeLegacyArchive(at('large.tar'), images);
      const result = await runCli(['build', '--from', at('large.tar'), '-o', at('stopped.tar.xz')], {
        cache: at(`cache-${signal}`),
        onStart: (child) =>
          void vi.waitFor(() => stopOnceItWrites(child, signal, at(`cache-${signal}`)), 60_000),
      });
      expect(result.status).toBe(130);
      expect(result.stderr).toContain(`Stopped by ${signal}`);
      const left = await readdir(folder, { recursive: true });
      expect(left.filter((name) => name.includes('stopped') || name.endsWith('.partial'))).toEqual([]);
    },
  );

  /** Throws until the program has stored something. */
  async function stopOnceItWrites(child: ChildProcess, signal: NodeJS.Signals, cache: string): Promise<void> {
    const stored = await readdir(join(cache, 'v1', 'blocks'));
    if (stored.length === 0) throw new Error('nothing is stored yet');
    child.kill(signal);
  }
});
