import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { buildOddImages, buildSampleImages } from '../../fixtures/sample-images.ts';
import { makeTempFolder } from '../../support/temp-folder.ts';
import { startEngine, type ThrowawayEngine } from '../../support/throwaway-engine.ts';
import { makeStick } from './make-stick.ts';
import {
  findTool,
  listGroup,
  runScript,
  type RunScriptOptions,
  type ScriptResult,
  shells,
} from './run-script.ts';

// Many short programs are started, which takes its time on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

const run = promisify(execFile);
let folder: string;
let engine: ThrowawayEngine;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bfs-'));
  const odd = await buildOddImages();
  await makeStick(join(folder, 'first'), [...(await buildSampleImages()), ...odd]);
  // The second has a new web:latest, and everything else as it was.
  await makeStick(join(folder, 'second'), [...(await buildSampleImages({ revision: 2 })), ...odd], {
    partCount: 3,
  });
  engine = await startEngine();
}, 180_000);
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});
afterEach(removeImages);

/** Runs load.sh of one of the sticks with the engine of this file. */
function load(
  name: string,
  args: readonly string[] = [],
  options: RunScriptOptions = {},
): Promise<ScriptResult> {
  const env = { DOCKER_HOST: engine.host, ...options.env };
  return runScript(join(folder, name, 'load.sh'), args, { engines: ['docker'], ...options, env });
}

/** Every image with its names and layers. */
async function listImages(): Promise<string> {
  const ids = (await engine.docker('images', '-aq', '--no-trunc')).split('\n').filter((id) => id !== '');
  if (ids.length === 0) return '';
  const format = '{{.Id}} {{.RepoTags}} {{.RootFS.Layers}}';
  return (await engine.docker('inspect', '-f', format, ...new Set(ids))).split('\n').sort().join('\n');
}

async function removeImages(): Promise<void> {
  const ids = (await engine.docker('images', '-aq')).split('\n').filter((id) => id !== '');
  if (ids.length > 0) await engine.docker('rmi', '-f', ...new Set(ids));
}

describe('load.sh', () => {
  it.each(shells)(
    'adds, finds again, replaces and keeps what was replaced, under %s',
    async (shell) => {
      const added = await load('first', [], { shell });
      expect(added.status, added.said).toBe(0);
      expect(added.said).toContain('add      docker.io/tiny/web:latest (linux/amd64)');
      expect(added.said).toContain('Done: 10 image names are there');
      // The tar of 940 kB is spooled, and all of its layers are new.
      expect(added.said).toContain('about 2 MB needed while it loads');
      const images = await listImages();
      expect(images).toContain('tiny/odd:1');

      const again = await load('first', [], { shell });
      expect(again.status, again.said).toBe(0);
      expect(again.said).toContain('There is nothing to do');
      expect(again.said).not.toContain('REPLACE');
      expect(await listImages()).toBe(images);

      const old = (await engine.docker('inspect', '-f', '{{.Id}}', 'tiny/web:latest')).trim();
      const replaced = await load('second', ['--keep-replaced'], { shell });
      expect(replaced.status, replaced.said).toBe(0);
      expect(replaced.said.match(/REPLACE/g)).toHaveLength(1);
      const [, kept = ''] =
        /kept {5}docker\.io\/tiny\/web:latest as docker\.io\/(tiny\/web:before-\d{8}-\d{6})/.exec(
          replaced.said,
        ) ?? [];
      expect((await engine.docker('inspect', '-f', '{{.Id}}', kept)).trim()).toBe(old);
      expect((await engine.docker('inspect', '-f', '{{.Id}}', 'tiny/web:latest')).trim()).not.toBe(old);
      expect([...added.left, ...again.left, ...replaced.left]).toEqual([]);
      expect(await engine.docker('ps', '-aq')).toBe('');
    },
    60_000,
  );

  it('changes nothing with --dry-run, and says what would be', async () => {
    const { status, said } = await load('first', ['--dry-run']);
    expect(status, said).toBe(0);
    expect(said).toContain('add      docker.io/tiny/db:5');
    expect(said).toContain('Nothing was changed (--dry-run)');
    expect(await listImages()).toBe('');
  });

  it('asks in a terminal where something is replaced, and takes no for an answer', async () => {
    const args = ['--host', engine.host];
    // Nothing is replaced yet, so nothing is asked.
    expect((await load('first', args, { typed: 'n\n' })).status).toBe(0);
    const images = await listImages();
    const refused = await load('second', args, { typed: 'n\n' });
    expect(refused.status, refused.said).toBe(8);
    expect(refused.said).toContain('Go on? [y/N]');
    expect(await listImages()).toBe(images);
    expect((await load('second', ['--dry-run', ...args], { typed: 'n\n' })).status).toBe(0);
    const agreed = await load('second', args, { typed: 'y\n' });
    expect(agreed.status, agreed.said).toBe(0);
    expect(agreed.said).toContain('Containers that run still use the old images');
    await engine.docker('tag', 'tiny/web:1.1', 'tiny/db:5');
    expect((await load('second', ['--yes', ...args], { typed: '' })).status).toBe(0);
  }, 240_000);

  it('takes an image with the same layers and other settings for another one', async () => {
    const container =
      (await engine.docker('load', '-q', '-i', join(folder, 'first/images.tar.xz'))) &&
      (await engine.docker('create', 'tiny/db:5', 'true')).trim();
    const layers = await engine.docker('inspect', '-f', '{{.RootFS.Layers}}', 'tiny/db:5');
    await engine.docker('commit', '-c', 'ENV A=b', container, 'tiny/other:1');
    await engine.docker('rm', container);
    expect(await engine.docker('inspect', '-f', '{{.RootFS.Layers}}', 'tiny/other:1')).toContain(
      layers.slice(1, 60),
    );
    await engine.docker('tag', 'tiny/other:1', 'tiny/db:5');
    const { status, said } = await load('first');
    expect(status, said).toBe(0);
    expect(said).toContain('REPLACE  docker.io/tiny/db:5');
  });

  it('asks for parts on other discs, one after the other', async () => {
    const stick = join(await makeTempFolder(), 'stick');
    await cp(join(folder, 'second'), stick, { recursive: true });
    const disc = await makeTempFolder();
    for (const number of [2, 3]) {
      await cp(join(stick, `images.tar.xz.00${number}`), join(disc, `images.tar.xz.00${number}`));
      await rm(join(stick, `images.tar.xz.00${number}`));
    }
    const options = { engines: ['docker'], env: { DOCKER_HOST: engine.host } };
    const script = join(stick, 'load.sh');
    const unasked = await runScript(script, [], options);
    expect(unasked.status).toBe(5);
    expect(unasked.said).toContain('images.tar.xz.002 is missing');
    const asked = await runScript(script, [], { ...options, typed: `/nonexistent\n${disc}\n` });
    expect(asked.status, asked.said).toBe(0);
    expect(asked.said).toContain('Please insert the disc with "images.tar.xz.002"');
    expect(asked.said).toContain('There is no folder "/nonexistent"');
    const stopped = await runScript(script, ['--force'], { ...options, typed: 'q\nq\n' });
    expect(stopped.status, stopped.said).toBe(5);
    const given = await runScript(script, ['--force', '--parts', disc], options);
    expect(given.status, given.said).toBe(0);
  }, 240_000);

  it('refuses a damaged bundle before it changes anything', async () => {
    const stick = join(await makeTempFolder(), 'stick');
    await cp(join(folder, 'second'), stick, { recursive: true });
    const part = join(stick, 'images.tar.xz.002');
    const bytes = await readFile(part);
    bytes.writeUInt8(bytes.readUInt8(9000) ^ 1, 9000);
    await writeFile(part, bytes);
    const options = { engines: ['docker'], env: { DOCKER_HOST: engine.host } };
    const flipped = await runScript(join(stick, 'load.sh'), [], options);
    expect(flipped.status).toBe(5);
    expect(flipped.said).toContain('images.tar.xz.002 is damaged');
    // Without sums it is xz that finds it.
    const unchecked = await runScript(join(stick, 'load.sh'), ['--skip-sums'], options);
    expect(unchecked.status, unchecked.said).toBe(7);
    expect(unchecked.said).toContain('Cannot unpack the bundle: ');
    expect(unchecked.said).toContain('sh verify.sh --quick says which file to copy again');
    await truncate(part, 100);
    expect((await runScript(join(stick, 'load.sh'), [], options)).status).toBe(5);
    expect(await listImages()).toBe('');
  }, 240_000);

  it('explains every status in its help, and tells a wrong command line by 2', async () => {
    const { status, said } = await load('first', ['--help']);
    expect(status).toBe(0);
    for (const number of [0, 2, 3, 4, 5, 6, 7, 8, 130])
      expect(said).toMatch(new RegExp(`^  ${number} {2}`, 'm'));
    for (const args of [['--fast'], ['--to'], ['--to', 'lxc'], ['--parts', '/nonexistent']])
      expect((await load('first', args)).status).toBe(2);
  });
});

describe('load.sh where the engine is not what it should be', () => {
  it('says that there is none, that it does not answer, and that this user may not', async () => {
    const none = await load('first', [], { engines: [] });
    expect(none.status).toBe(4);
    expect(none.said).toContain('docker, podman, nerdctl, ctr are not installed');
    const silent = await load('first', ['--host', 'unix:///nonexistent']);
    expect(silent.status).toBe(4);
    expect(silent.said).toContain('Is it running?');
    await chmod(folder, 0o755);
    await chmod(dirname(engine.host.slice('unix://'.length)), 0o711);
    const first = await makeTempFolder();
    await chmod(first, 0o755);
    await writeFile(
      join(first, 'docker'),
      `#!/bin/sh\nexec ${findTool('setpriv')} --reuid 65534 --clear-groups ${findTool('docker')} "$@"\n`,
      { mode: 0o755 },
    );
    const forbidden = await load('first', [], { first, engines: [] });
    expect(forbidden.status, forbidden.said).toBe(4);
    expect(forbidden.said).toContain('sudo sh load.sh');
  });

  it('finds out that a load that reported success loaded nothing', async () => {
    const first = await makeTempFolder();
    await writeFile(
      join(first, 'docker'),
      `#!/bin/sh\ncase " $* " in *" load "*) cat >/dev/null; echo "Loaded image: tiny/web:1.0" ;; *) exec ${findTool('docker')} "$@" ;; esac\n`,
      { mode: 0o755 },
    );
    const { status, said } = await load('first', [], { first, engines: [] });
    expect(status, said).toBe(7);
    expect(said).toContain('MISSING  docker.io/tiny/web:1.0');
    expect(said).toContain('Cannot vouch for 10 of 10 images');
  });

  it('finds out that an image has other layers, or other settings, than the bundle says', async () => {
    const home = await makeTempFolder();
    const images = await buildSampleImages();
    const layer = /"layers": \["(sha256:[0-9a-f]+)", "(sha256:[0-9a-f]+)"/;
    await makeStick(join(home, 'layers'), images, {
      tamper: (json) => json.replace(layer, (_, a: string, b: string) => `"layers": ["${b}", "${a}"`),
    });
    await makeStick(join(home, 'settings'), images, {
      tamper: (json) =>
        json.replace(/("tiny\/db:5"|tiny\/db:5"\]), "id": "sha256:..../, '$1, "id": "sha256:0000'),
    });
    const options = { engines: ['docker'], env: { DOCKER_HOST: engine.host } };
    const layers = await runScript(join(home, 'layers/load.sh'), [], options);
    expect(layers.status, layers.said).toBe(7);
    expect(layers.said).toContain('BROKEN   docker.io/tiny/web:1.0 has other layers');
    expect(layers.said).toContain('ok       docker.io/tiny/db:5');
    await removeImages();
    const settings = await runScript(join(home, 'settings/load.sh'), [], options);
    expect(settings.status, settings.said).toBe(7);
    expect(settings.said).toContain('BROKEN   docker.io/tiny/db:5 has the right layers, but other settings');
  }, 240_000);

  it('stops with Ctrl-C in the middle, leaves nothing behind and says what is there', async () => {
    await load('first');
    const before = await listImages();
    const pid = Number(await readFile(join(dirname(engine.host.slice('unix://'.length)), 'p'), 'utf8'));
    for (const shell of shells) {
      const first = await makeTempFolder();
      // The engine stands still from the moment at which it would load.
      await writeFile(
        join(first, 'docker'),
        `#!/bin/sh\ncase " $* " in *" load "*) kill -STOP ${pid}; kill -USR1 "$WATCHER" ;; esac\nexec ${findTool('docker')} "$@"\n`,
        { mode: 0o755 },
      );
      const isLoading = once(process, 'SIGUSR1');
      let group = 0;
      const running = load('second', ['--keep-replaced', '--skip-sums'], {
        shell,
        first,
        engines: [],
        env: { WATCHER: String(process.pid) },
        onStart: (started) => {
          group = started;
        },
      });
      await isLoading;
      process.kill(-group, 'SIGINT');
      process.kill(pid, 'SIGCONT');
      const { status, said, left } = await running;
      expect(status, said).toBe(130);
      expect(said).toContain('Stopped while the engine was loading');
      expect(said).toContain('OLD      docker.io/tiny/web:latest is still what it was before');
      expect(said).toContain('MISSING  docker.io/tiny/web:1.1');
      expect(said).toContain('ok       docker.io/tiny/db:5');
      expect(left).toEqual([]);
      expect(listGroup(group)).toBe('');
      expect(await listImages()).toBe(before);
    }
  }, 240_000);
});

describe('load.sh with an engine that lacks something', () => {
  it('unpacks by itself for an engine without xz, and says what to install where nobody has it', async () => {
    const bin = await makeTempFolder();
    for (const place of ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']) {
      for (const name of await readdir(place).catch(() => []))
        if (!/xz|lzma/.test(name)) await symlink(join(place, name), join(bin, name)).catch(() => undefined);
    }
    await using poor = await startEngine({ path: bin });
    const env = { DOCKER_HOST: poor.host };
    const nobody = await load('first', [], { without: ['xz'], env });
    expect(nobody.status, nobody.said).toBe(3);
    expect(nobody.said).toContain('The engine has no xz program');
    const unpacked = await load('first', [], { env });
    expect(unpacked.status, unpacked.said).toBe(0);
  }, 240_000);

  it('lets an engine that has xz unpack where there is none here', async () => {
    const { status, said } = await load('first', [], { without: ['xz'] });
    expect(status, said).toBe(0);
    expect(said).toContain('docker has to unpack by itself');
  });

  it('says how much space is missing, and what is there after the disk was full', async () => {
    await using small = await startEngine({
      async mountData(path) {
        await run('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', path]);
      },
    });
    const env = { DOCKER_HOST: small.host };
    const large = join(await makeTempFolder(), 'large');
    await makeStick(large, await buildSampleImages({ scale: 15 }));
    const options = { engines: ['docker'], env };
    const refused = await runScript(join(large, 'load.sh'), [], options);
    expect(refused.status, refused.said).toBe(6);
    expect(refused.said).toMatch(/docker needs about \d+ MB in .*, and \d+ (kB|MB) are free/);
    const full = await runScript(join(large, 'load.sh'), ['--no-space-check'], options);
    expect(full.status, full.said).toBe(6);
    expect(full.said).toContain('The disk is full');
    expect(full.said).toContain('MISSING  docker.io/tiny/web:1.0');
    expect(await small.docker('images', '-aq')).toBe('');
  }, 240_000);
});
