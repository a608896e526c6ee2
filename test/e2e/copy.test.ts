import { execFileSync } from 'node:child_process';
import { cp, mkdir, open, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { tryLockFile } from '../../src/addon/file-lock.ts';
import { makeLoopDisk } from '../product/copy/loop-disk.ts';
import { randomBytes } from '../product/copy/sketch-source.ts';
import { buildSampleImages } from '../fixtures/sample-images.ts';
import { writeHybridArchive } from '../fixtures/write-hybrid-archive.ts';
import { runScript } from '../product/stick/run-script.ts';
import { createLiveBench } from '../support/live-bench.ts';
import { runCli, runCliOk } from '../support/run-cli.ts';
import { makeTempFolder } from '../support/temp-folder.ts';

interface CopyReport {
  readonly files: readonly { readonly name: string; readonly action: string }[];
  readonly removed: readonly string[];
  readonly others: readonly string[];
  readonly bytes: { readonly toWrite: number; readonly written: number; readonly resumed: number };
  readonly readBack: string;
}

const mib = 2 ** 20;
const program = fileURLToPath(new URL('../../bin/bundlefs', import.meta.url));

async function copyJson(args: readonly string[], cache?: string): Promise<CopyReport> {
  const { stdout } = await runCliOk(['copy', '--json', ...args], cache === undefined ? {} : { cache });
  return JSON.parse(stdout.toString()) as CopyReport;
}

/** An archive of the sample, of which `scale` says how large it is. */
async function writeArchive(folder: string, scale = 4): Promise<string> {
  const archive = join(folder, `images-${scale}.tar`);
  await writeHybridArchive(archive, await buildSampleImages({ scale }));
  return archive;
}

async function isSame(a: string, b: string): Promise<boolean> {
  const names = async (folder: string): Promise<string[]> =>
    (await readdir(folder)).filter((name) => name !== 'lost+found').sort();
  const [these, those] = await Promise.all([names(a), names(b)]);
  if (these.join() !== those.join()) return false;
  const pairs = these.map(async (name) =>
    (await readFile(join(a, name))).equals(await readFile(join(b, name))),
  );
  return (await Promise.all(pairs)).every(Boolean);
}

describe('bundlefs copy', () => {
  it.each([
    ['ext4', 'device'],
    ['exfat', 'indirect'],
  ] as const)(
    'fills a stick with %s, reads it back from the device, and writes nothing the next time',
    async (kind, readBack) => {
      const place = await makeTempFolder();
      const cache = join(place, 'cache');
      const disk = await makeLoopDisk(64 * mib, kind);
      const dest = join(disk.folder, 'shop');
      const args = ['--from', await writeArchive(place), '--preset', '1', dest];
      const planned = await copyJson(['--dry-run', ...args], cache);
      expect(await readdir(disk.folder)).not.toContain('shop');
      const sectorsBefore = disk.readSectors();
      const first = await copyJson(args, cache);
      expect(first.bytes.written).toBe(planned.bytes.toWrite);
      expect(first.readBack).toBe(readBack);
      expect((disk.readSectors() - sectorsBefore) * 512).toBeGreaterThanOrEqual(first.bytes.written);
      const verified = await runScript(join(dest, 'verify.sh'), [], { shell: 'dash' });
      expect(verified.status, verified.said).toBe(0);
      const again = await copyJson(args, cache);
      expect(again.bytes.written).toBe(0);
      expect(again.files.map(({ action }) => action)).toEqual(Array(6).fill('keep'));
    },
  );

  it('copies what a mount shows, byte for byte, and only parts that differ after a refresh', async () => {
    const bench = await createLiveBench();
    const source = join(bench.folder, 'source.tar');
    const mountPoint = await bench.mountPoint();
    const disk = await makeLoopDisk(64 * mib);
    await cp(await writeArchive(bench.folder, 1), source);
    await bench.runOk(['mount', '--from', source, '--preset', '1', '--max-file-size', '400K', mountPoint]);
    const copy = ['copy', '--json', '--from-mount', mountPoint, disk.folder];
    await bench.runOk(copy);
    expect(await isSame(mountPoint, disk.folder)).toBe(true);
    await writeFile(join(disk.folder, 'notes.txt'), 'mine');
    await cp(await writeArchive(bench.folder, 2), source);
    await bench.runOk(['refresh', mountPoint]);
    const report = JSON.parse((await bench.runOk(copy)).stdout.toString()) as CopyReport;
    expect(report.others).toContain('notes.txt');
    expect(report.files.some(({ action }) => action === 'write')).toBe(true);
    expect(await readFile(join(disk.folder, 'notes.txt'), 'utf8')).toBe('mine');
    execFileSync('sha256sum', ['--quiet', '-c', 'SHA256SUMS'], { cwd: disk.folder });
    expect((await readdir(disk.folder)).length).toBe((await readdir(mountPoint)).length + 2); // notes.txt, lost+found
  });

  it('goes on after kill -9 behind what it had written', async () => {
    const place = await makeTempFolder();
    const cache = join(place, 'cache');
    const source = join(place, 'source');
    await runCliOk(['copy', '--allow-system-disk', '--from', await writeArchive(place), source], { cache });
    await enlarge(source, 300 * mib);
    const disk = await makeLoopDisk(400 * mib);
    const args = ['copy', '--from-mount', source, disk.folder];
    const partial = join(disk.folder, '.images.tar.xz.partial');
    const killed = await runCli(args, {
      onStart: (child) => {
        const timer = setInterval(() => {
          void stat(partial).then(
            ({ size }) => size > 70 * mib && child.kill('SIGKILL'),
            () => undefined,
          );
        }, 2);
        child.on('close', () => {
          clearInterval(timer);
        });
      },
    });
    expect(killed.status).toBe('SIGKILL');
    expect(await readdir(disk.folder)).not.toContain('SHA256SUMS');
    const { bytes } = await copyJson(args.slice(1));
    expect(bytes.resumed).toBeGreaterThanOrEqual(64 * mib);
    expect(bytes.written).toBe(bytes.toWrite - bytes.resumed);
    expect(await isSame(source, disk.folder)).toBe(true);
  });

  it.each([[[]], [['--in-place']]])(
    'killed at any of its renames and removals (%j), leaves the old bundle, the new one, or one that verify.sh refuses',
    { timeout: 600_000 },
    async (options) => {
      const place = await makeTempFolder();
      const cache = join(place, 'cache');
      const [older, newer] = [join(place, 'older'), join(place, 'newer')] as const;
      const common = ['copy', '--allow-system-disk', '--preset', '1', '--max-file-size'];
      await runCliOk([...common, '200K', '--from', await writeArchive(place, 1), older], { cache });
      await runCliOk([...common, '400K', '--from', await writeArchive(place, 2), newer], { cache });
      const verdicts = new Set<string>();
      let isKilled = true;
      for (let moment = 1; isKilled; moment += 1) {
        const dest = join(place, `dest-${moment}`);
        await cp(older, dest, { recursive: true });
        const args = ['copy', '--allow-system-disk', ...options, '--from-mount', newer, dest];
        isKilled = killAtChange(moment, args);
        const verdict = await judge(dest, { older, newer });
        verdicts.add(verdict);
        if (!isKilled) expect(verdict).toBe('newer');
        await runCliOk(args);
        expect(await isSame(newer, dest)).toBe(true);
      }
      expect([...verdicts].sort()).toEqual(['newer', 'older', 'refused']);
    },
  );

  it('says that there is no room for both, offers --in-place, and that works', async () => {
    const place = await makeTempFolder();
    const cache = join(place, 'cache');
    const [older, newer] = [join(place, 'older'), join(place, 'newer')] as const;
    const archive = await writeArchive(place);
    for (const folder of [older, newer]) {
      await runCliOk(['copy', '--allow-system-disk', '--from', archive, folder], { cache });
    }
    await enlarge(older, 20 * mib);
    await enlarge(newer, 22 * mib);
    const disk = await makeLoopDisk(32 * mib);
    await runCliOk(['copy', '--from-mount', older, disk.folder]);
    const args = ['copy', '--from-mount', newer, disk.folder];
    const refused = await runCli(args);
    expect(refused.status).toBe(7);
    expect(refused.stderr).toContain('more are needed there');
    expect(refused.stderr).toContain('--in-place');
    expect(await isSame(older, disk.folder)).toBe(true);
    await runCliOk([...args, '--in-place']);
    expect(await isSame(newer, disk.folder)).toBe(true);
  });

  it('refuses a second copy to the same folder, and leaves a page that is not its own', async () => {
    const place = await makeTempFolder();
    const cache = join(place, 'cache');
    const dest = join(place, 'dest');
    await mkdir(dest);
    await writeFile(join(dest, 'index.html'), 'my own page');
    const args = ['copy', '--allow-system-disk', '--from', await writeArchive(place), dest];
    const foreign = await runCli(args, { cache });
    expect(foreign.status).toBe(7);
    expect(foreign.stderr).toContain('there is "index.html" already');
    expect(await readdir(dest)).toEqual(['index.html']);
    const other = join(place, 'other');
    await mkdir(other);
    const lock = await open(other);
    expect(tryLockFile(lock.fd)).toBe(true);
    const second = await runCli([...args.slice(0, -1), other], { cache });
    await lock.close();
    expect(second.status).toBe(7);
    expect(second.stderr).toContain('another copy writes there');
    expect(await readdir(other)).toEqual([]);
  });
});

/** What verify.sh says of `dest`, and where it says that all sums are right, whose they are. */
async function judge(
  dest: string,
  folders: { readonly older: string; readonly newer: string },
): Promise<'older' | 'newer' | 'refused' | 'mixed'> {
  const script = join(dest, 'verify.sh');
  if ((await readdir(dest)).includes('verify.sh')) {
    const { status } = await runScript(script, ['--quick']);
    if (status === 5) return 'refused';
    expect(status).toBe(0);
  } else {
    return 'refused'; // there is nothing that could call it right
  }
  const names = (await readFile(join(dest, 'SHA256SUMS'), 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => line.slice(66));
  for (const [name, folder] of Object.entries(folders) as ['older' | 'newer', string][]) {
    const same = names.map(async (file) =>
      (await readFile(join(dest, file))).equals(
        await readFile(join(folder, file)).catch(() => Buffer.alloc(0)),
      ),
    );
    if ((await Promise.all(same)).every(Boolean)) return name;
  }
  return 'mixed';
}

/** Appends to the archive of the stick in `folder` what makes it `size` bytes, and writes sums that are right. */
async function enlarge(folder: string, size: number): Promise<void> {
  const path = join(folder, 'images.tar.xz');
  const archive = await readFile(path);
  await writeFile(path, Buffer.concat([archive, randomBytes(size - archive.length, 'more')]));
  const sums = join(folder, 'SHA256SUMS');
  const names = (await readFile(sums, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => line.slice(66));
  await writeFile(sums, execFileSync('sha256sum', names, { cwd: folder }));
}

/** Runs the program, which is killed when it is about to change a directory for the `moment`-th time; false where it does not so often. */
function killAtChange(moment: number, args: readonly string[]): boolean {
  const calls = '/^(rename|unlink)';
  try {
    execFileSync(
      'strace',
      [
        '-f',
        '-qq',
        '-o',
        '/dev/null',
        '-e',
        `trace=${calls}`,
        '-e',
        `inject=${calls}:signal=KILL:when=${moment}`,
        program,
        ...args,
      ],
      { stdio: 'ignore', env: { ...process.env, UV_THREADPOOL_SIZE: '1' } }, // strace counts the calls of each thread
    );
    return false;
  } catch {
    return true;
  }
}
