import { execFileSync } from 'node:child_process';
import { appendFile, cp, mkdir, mkdtemp, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { buildOddImages, buildSampleImages, type FixtureImage } from '../../fixtures/sample-images.ts';
import { makeTempFolder } from '../../support/temp-folder.ts';
import { makeStick, writeSums } from './make-stick.ts';
import { runScript, shells, tools } from './run-script.ts';

// Many short programs are started, which takes its time on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

let folder: string;
let images: readonly FixtureImage[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bfs-'));
  images = [...(await buildSampleImages()), ...(await buildOddImages())];
  await makeStick(join(folder, 'whole'), images);
  await makeStick(join(folder, 'split'), images, { partCount: 3 });
}, 180_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A copy that a test may spoil. */
async function copyOf(name: 'whole' | 'split', as = 'stick'): Promise<string> {
  const copy = join(await makeTempFolder(), as);
  await cp(join(folder, name), copy, { recursive: true });
  return copy;
}

async function flipByte(path: string, position: number): Promise<void> {
  const bytes = await readFile(path);
  bytes.writeUInt8(bytes.readUInt8(position) ^ 1, position);
  await writeFile(path, bytes);
}

const verify = (stick: string, args: readonly string[] = [], options = {}): ReturnType<typeof runScript> =>
  runScript(join(stick, 'verify.sh'), args, options);

describe('verify.sh', () => {
  it.each(shells)('finds a whole bundle and one in parts in order, under %s', async (shell) => {
    for (const name of ['whole', 'split'] as const) {
      const { status, said, left } = await verify(await copyOf(name), [], { shell });
      expect(status, said).toBe(0);
      expect(said).toContain('docker.io/tiny/web:1.0, docker.io/tiny/web:latest');
      expect(said).toContain('All is well');
      expect(left).toEqual([]);
    }
  });

  it.each(shells)('names what is wrong and ends with 5, under %s', async (shell) => {
    const stick = await copyOf('split');
    await flipByte(join(stick, 'images.tar.xz.001'), 5000);
    await rm(join(stick, 'images.tar.xz.002'));
    await truncate(join(stick, 'images.tar.xz.003'), 1000);
    await rm(join(stick, 'index.html'));
    await writeFile(join(stick, 'images.tar.xz.004'), 'left over');
    const { status, said } = await verify(stick, [], { shell });
    expect(status).toBe(5);
    expect(said).toContain('WRONG    images.tar.xz.001 is damaged');
    expect(said).toContain('WRONG    images.tar.xz.002 is missing');
    expect(said).toMatch(/WRONG {4}images\.tar\.xz\.003 is cut off: 1000 of \d+ bytes/);
    expect(said).toContain('WRONG    index.html is missing');
    expect(said).toContain('NOTE     images.tar.xz.004 does not belong to this bundle');
    expect(said).toContain('Nothing on this machine has been changed');
  });

  it('says which part is in which place where parts were swapped', async () => {
    const stick = await copyOf('split');
    await rename(join(stick, 'images.tar.xz.001'), join(stick, 'kept'));
    await rename(join(stick, 'images.tar.xz.003'), join(stick, 'images.tar.xz.001'));
    await rename(join(stick, 'kept'), join(stick, 'images.tar.xz.003'));
    const { status, said } = await verify(stick);
    expect(status).toBe(5);
    expect(said).toContain('images.tar.xz.001 holds what should be in images.tar.xz.003');
    expect(said).toContain('images.tar.xz.003 holds what should be in images.tar.xz.001');
  });

  it('finds parts in several folders, and does not mind that one is named twice', async () => {
    const stick = await copyOf('split');
    const disc = join(await makeTempFolder(), 'disc\n2 "$(touch pwned)"');
    await mkdir(disc);
    for (const number of [2, 3])
      await rename(join(stick, `images.tar.xz.00${number}`), join(disc, `images.tar.xz.00${number}`));
    expect((await verify(stick)).status).toBe(5);
    const { status, said } = await verify(stick, ['--parts', disc, '--parts', disc]);
    expect(status, said).toBe(0);
    const present = await verify(stick, ['--present']);
    expect(present.status, present.said).toBe(0);
    expect(present.said).toContain('images.tar.xz.001');
    expect(present.said).not.toContain('images.tar.xz.002');
  });

  it('takes SHA256SUMS as Windows leaves it, and so does not only what sha256sum takes', async () => {
    const stick = await copyOf('whole');
    const path = join(stick, 'SHA256SUMS');
    expect(execFileSync('sha256sum', ['-c', 'SHA256SUMS'], { cwd: stick, encoding: 'utf8' })).toContain('OK');
    await writeFile(path, (await readFile(path, 'utf8')).replace(/\n/g, '\r\n'));
    const { status, said } = await verify(stick);
    expect(status, said).toBe(0);
  });

  it.each([
    [
      'another sum',
      (json: string) => json.replace('"created"', '"Created"'),
      false,
      'bundle.json is damaged',
    ],
    [
      'a command as a name',
      (json: string) => json.replace('tiny/db:5', 'tiny/$(id):5'),
      true,
      'not the name',
    ],
    [
      'a path as a part',
      (json: string) => json.replace('"images.tar.xz.002"', '"../images.tar.xz"'),
      true,
      'wrong name',
    ],
    [
      'sizes that do not add up',
      (json: string) => json.replace(/"size": \d+/, '"size": 7'),
      true,
      'do not add up',
    ],
    [
      'octal sizes',
      (json: string) => json.replace(/"tarSize": /, '"tarSize": 0'),
      true,
      'there is no tarSize',
    ],
    ['no images', (json: string) => json.replace(/ {4}\{ "names".*\n/g, ''), true, 'ends too early'],
    ['a cut', (json: string) => json.slice(0, 400), true, 'Cannot read "bundle.json"'],
    ['another format', (json: string) => json.replace('-bundle-1', '-bundle-2'), true, 'bundlefs-bundle-2'],
  ])('refuses a bundle.json with %s', async (_, spoil, hasSums, expected) => {
    const stick = await copyOf('split');
    const path = join(stick, 'bundle.json');
    await writeFile(path, spoil(await readFile(path, 'utf8')));
    if (hasSums) await writeSums(stick);
    const { status, said } = await verify(stick, ['--quick']);
    expect(status).toBe(5);
    expect(said).toContain(expected);
  });

  it('finds damage that is older than the sums, and images that are not in the archive', async () => {
    const stick = await copyOf('whole');
    const path = join(stick, 'bundle.json');
    const json = await readFile(path, 'utf8');
    const [, id = ''] = /tiny\/db:5"\], "id": "(sha256:[0-9a-f]+)"/.exec(json) ?? [];
    const other = `sha256:${'1'.repeat(64)}`;
    await writeFile(path, json.replace(id, other));
    await writeSums(stick);
    expect((await verify(stick, ['--quick'])).status).toBe(0);
    const incomplete = await verify(stick);
    expect(incomplete.status).toBe(5);
    expect(incomplete.said).toContain(`docker.io/tiny/db:5 is incomplete: ${other} is not in the archive`);

    await writeFile(path, json);
    await makeDamagedArchive(stick);
    expect((await verify(stick, ['--quick'])).status).toBe(0);
    for (const shell of ['dash', 'busybox'] as const) {
      const damaged = await verify(stick, [], { shell });
      expect(damaged.status).toBe(5);
      expect(damaged.said).toContain('the compressed data is damaged');
    }
  });

  it('says which tool is missing, ends with 3, and needs neither xz nor tar for sums alone', async () => {
    const stick = await copyOf('whole');
    for (const without of [['xz'], ['tar']]) {
      const { status, said } = await verify(stick, [], { without });
      expect(status).toBe(3);
      expect(said).toContain('sh verify.sh --quick');
      expect((await verify(stick, ['--quick'], { without })).status).toBe(0);
    }
    expect((await verify(stick, ['--quick'], { without: ['sha256sum'] })).status).toBe(3);
  });

  // A missing awk was "Cannot read SHA256SUMS", a missing sed was "damaged", and without tr all images were "there already".
  it.each(tools.filter((tool) => !['xz', 'tar', 'sha256sum'].includes(tool)))(
    'needs no %s, or names it, and does not blame the stick',
    async (tool) => {
      const stick = await copyOf('whole');
      for (const shell of ['dash', 'bash'] as const) {
        const checked = await verify(stick, [], { shell, without: [tool] });
        if (checked.status === 0) expect(checked.said).not.toContain('not found');
        else
          expect(checked).toMatchObject({
            status: 3,
            said: expect.stringContaining(`there is no ${tool} on`) as string,
          });
        const loaded = await runScript(join(stick, 'load.sh'), ['--dry-run'], { shell, without: [tool] });
        if (loaded.status === 4) expect(loaded.said).toMatch(/Cannot find an engine/);
        else
          expect(loaded).toMatchObject({
            status: 3,
            said: expect.stringContaining(`there is no ${tool} on`) as string,
          });
      }
    },
  );

  it.each(['shasum', 'openssl', 'busybox'])('takes %s where there is no sha256sum', async (engine) => {
    const without = ['sha256sum'];
    const { status, said } = await verify(await copyOf('whole'), ['--quick'], { without, engines: [engine] });
    expect(status, said).toBe(0);
  });

  it.each(['xzcat', 'unxz', 'busybox'])('takes %s where there is no xz', async (engine) => {
    const { status, said } = await verify(await copyOf('whole'), [], { without: ['xz'], engines: [engine] });
    expect(status, said).toBe(0);
    expect(said).toContain(`Compression (${engine})`);
  });

  it.each(shells)(
    'runs from any folder, on a read-only noexec medium with an odd path, under %s',
    async (shell) => {
      const medium = join(await makeTempFolder(), 'the "stick"\n$(exit) `');
      await mkdir(medium);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', medium]);
      onTestFinished(() => void execFileSync('umount', [medium]));
      await cp(join(folder, 'split'), medium, { recursive: true });
      execFileSync('mount', ['-o', 'remount,ro,noexec', medium]);
      for (const [cwd, path] of [
        ['/', join(medium, 'verify.sh')],
        [medium, 'verify.sh'],
        [join(medium, '..'), `./${medium.split('/').pop() ?? ''}/verify.sh`],
      ] as const) {
        const { status, said } = await runScript(path, [], { shell, cwd });
        expect(status, said).toBe(0);
      }
    },
  );

  it('does nothing when it was cut off, and lets load.sh do nothing then', async () => {
    const stick = await copyOf('whole');
    const path = join(stick, 'verify.sh');
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.slice(0, text.indexOf('# --- Checks')));
    const { status, said } = await runScript(join(stick, 'load.sh'));
    expect(status).toBe(5);
    expect(said).toContain('it is cut off');
    await rm(path);
    expect((await runScript(join(stick, 'load.sh'))).said).toContain('Cannot find "verify.sh"');
  });

  it.each(shells)(
    'ends with another status than 0 wherever it or load.sh is cut off, under %s',
    async (shell) => {
      const stick = await copyOf('whole');
      for (const name of ['verify.sh', 'load.sh']) {
        const bytes = await readFile(join(stick, name));
        const cuts = Array.from(
          { length: Math.floor(bytes.length / 1024) },
          (_, index) => (index + 1) * 1024,
        );
        for (const end of cuts) {
          await writeFile(join(stick, name), bytes.subarray(0, end));
          for (const script of name === 'load.sh' ? ['load.sh'] : ['verify.sh', 'load.sh']) {
            const { status, said } = await runScript(join(stick, script), ['--help'], { shell });
            expect([name, end, script, status === 0, said === '']).toEqual([name, end, script, false, false]);
          }
        }
        await writeFile(join(stick, name), bytes);
      }
    },
  );

  it('tells a wrong command line by 2, and explains every status in its help', async () => {
    const stick = await copyOf('whole');
    for (const args of [['--fast'], ['--parts'], ['--parts', '/nonexistent']])
      expect((await verify(stick, args)).status).toBe(2);
    const { status, said } = await verify(stick, ['--help']);
    expect(status).toBe(0);
    for (const number of [0, 2, 3, 5, 130]) expect(said).toMatch(new RegExp(`^  ${number} {2}`, 'm'));
  });

  it('notices bytes behind the end of a part', async () => {
    const stick = await copyOf('whole');
    await appendFile(join(stick, 'images.tar.xz'), 'more');
    const { status, said } = await verify(stick);
    expect(status).toBe(5);
    expect(said).toContain('images.tar.xz is too long');
  });
});

/** Spoils the archive and makes every sum fit again. */
async function makeDamagedArchive(stick: string): Promise<void> {
  const archive = join(stick, 'images.tar.xz');
  const sumOf = (): string => execFileSync('sha256sum', [archive], { encoding: 'utf8' }).slice(0, 64);
  const before = sumOf();
  await flipByte(archive, 5000);
  const path = join(stick, 'bundle.json');
  await writeFile(path, (await readFile(path, 'utf8')).replaceAll(before, sumOf()));
  await writeSums(stick);
}
