import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { buildOddImages, buildSampleImages } from '../../fixtures/sample-images.ts';
import { type MadeDelta, makeDelta } from '../delta/make-delta.ts';
import { makeTempFolder } from '../../support/temp-folder.ts';
import { startEngine, type ThrowawayEngine } from '../../support/throwaway-engine.ts';
import { makeStick } from './make-stick.ts';
import { findTool, runScript, type ScriptResult, type Shell, shells, tools } from './run-script.ts';

// Many short programs are started, which takes its time on a busy machine.
vi.setConfig({ testTimeout: 240_000 });

let folder: string;
let stick: string;
let delta: MadeDelta;
let engine: ThrowawayEngine;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bfs-'));
  stick = join(folder, 'stick');
  await makeStick(stick, [...(await buildSampleImages()), ...(await buildOddImages())], { partCount: 2 });
  await mkdir(join(folder, 'delta'));
  delta = await makeDelta(join(folder, 'delta'));
  engine = await startEngine();
}, 240_000);
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** A file system of its own with 64 KiB. */
async function mountSmall(options = ''): Promise<string> {
  const path = join(await makeTempFolder(), 't');
  await mkdir(path);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=64k${options}`, 'tmpfs', path]);
  onTestFinished(() => void execFileSync('umount', ['-l', path]));
  return path;
}

/** What is wrong with TMPDIR, from the start on. */
const places: Readonly<Record<string, () => Promise<string>>> = {
  async full() {
    const path = await mountSmall();
    await writeFile(join(path, 'fill'), Buffer.alloc(64 * 1024)).catch(() => undefined);
    return path;
  },
  'without inodes': () => mountSmall(',nr_inodes=1'),
  'read-only': () => mountSmall(',ro'),
  missing: async () => join(await makeTempFolder(), 'missing'),
  'a file': async () => {
    const path = join(await makeTempFolder(), 'file');
    await writeFile(path, '');
    return path;
  },
};

/** Programs that stand before those of the PATH: the `nth` call of any of them first fills TMPDIR. */
async function makeFillers(shell: Shell, nth: number): Promise<string> {
  const first = await makeTempFolder();
  const counter = join(await makeTempFolder(), 'count');
  await writeFile(counter, '');
  for (const name of ['sha256sum', 'dd', 'awk', 'xz', 'tar', 'sed', 'docker']) {
    const real = shell === 'busybox' && name !== 'docker' ? `${findTool('busybox')} ${name}` : findTool(name);
    await writeFile(
      join(first, name),
      `#!${findTool('dash')}
printf x >>${counter}
[ "$(${findTool('wc')} -c <${counter})" -ne ${nth} ] || ${findTool('head')} -c 100000 /dev/zero 2>/dev/null >"$TMPDIR/fill"
exec ${real} "$@"
`,
    );
    await chmod(join(first, name), 0o755);
  }
  return first;
}

/** Either all was well without temporary files, or these are named, and not what is on the stick. */
function expectNoBlame({ status, said }: ScriptResult, what: string): void {
  const context = `${what}: ${status}\n${said}`;
  expect(said, context).not.toMatch(/WRONG|BROKEN|\bdamaged|incomplete|cut off|Copy .* again/);
  if (status === 0) return;
  expect(status, context).toBe(6);
  expect(said, context).toMatch(/temporary files.*TMPDIR|TMPDIR/s);
}

describe.each(shells)('under %s, with a TMPDIR that cannot be written,', (shell) => {
  it.each(Object.keys(places))('verify.sh and load.sh say so, and blame no stick: %s', async (name) => {
    const env = { TMPDIR: (await places[name]?.()) ?? '', DOCKER_HOST: engine.host };
    for (const args of [['--quick'], ['--present'], []]) {
      const run = await runScript(join(stick, 'verify.sh'), args, { shell, env });
      expectNoBlame(run, `verify.sh ${args.join(' ')}`);
      expect(run.status, run.said).toBe(6);
    }
    const load = await runScript(join(stick, 'load.sh'), ['--yes'], { shell, env, engines: ['docker'] });
    expectNoBlame(load, 'load.sh');
    expect(load.status, load.said).toBe(6);
  });

  it('deltas need none', async () => {
    const env = { TMPDIR: await (places['full'] as () => Promise<string>)() };
    const target = join(await makeTempFolder(), 'new');
    const run = await runScript(delta.delta, ['-o', target, delta.old], {
      shell,
      env,
      only: [...tools, 'mv', 'sync'],
    });
    expect(run.status, run.said).toBe(0);
    for (const name of delta.names) {
      const made = await readFile(join(target, name));
      expect(made.equals(await readFile(join(delta.wanted, name))), name).toBe(true);
    }
  });

  it('whenever it fills up, nothing on the stick is blamed', async () => {
    const steps = shell === 'dash' ? 1 : 5;
    for (let nth = 1; nth < 60; nth += steps) {
      const env = { TMPDIR: await mountSmall(), DOCKER_HOST: engine.host };
      const first = await makeFillers(shell, nth);
      expectNoBlame(await runScript(join(stick, 'verify.sh'), [], { shell, env, first }), `verify.sh ${nth}`);
    }
  });
});

it('load.sh blames no stick and no engine whenever TMPDIR fills up', async () => {
  for (let nth = 1; nth < 90; nth += 6) {
    const env = { TMPDIR: await mountSmall(), DOCKER_HOST: engine.host };
    const first = await makeFillers('dash', nth);
    const run = await runScript(join(stick, 'load.sh'), ['--yes', '--force'], {
      env,
      first,
      engines: ['docker'],
    });
    expectNoBlame(run, `load.sh ${nth}`);
  }
});
