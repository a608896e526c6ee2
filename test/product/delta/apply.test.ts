import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFile,
  chmod,
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { waitUntil } from '../../mount/support/start-test-daemon.ts';
import {
  findTool,
  listGroup,
  runScript,
  type RunScriptOptions,
  type ScriptResult,
  shells,
} from '../stick/run-script.ts';
import { makeTempFolder } from '../../support/temp-folder.ts';
import { type MadeDelta, makeDelta } from './make-delta.ts';

/** All that a machine must have besides the shell: docs/offline-target.md lists the same. */
const applyTools = [...['cat', 'cut', 'dd', 'df', 'ls', 'mkdir', 'mv', 'rm', 'sha256sum', 'tail']] as const;

/** Those that look for tools on the PATH: busybox takes its own, whatever is there. */
const foreignToolShells = shells.filter((shell) => shell !== 'busybox');

let root: string;
let made: MadeDelta;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'bfs-'));
  made = await makeDelta(root);
});
afterAll(() => rm(root, { recursive: true, force: true }));

function apply(
  delta: string,
  args: readonly string[],
  options: RunScriptOptions = {},
): Promise<ScriptResult> {
  return runScript(delta, args, { only: applyTools, ...options });
}

/** A folder of the test with OLD, the delta, and a path for NEW; no test changes what the others use. */
async function copyMade(): Promise<{ folder: string; old: string; delta: string; output: string }> {
  const folder = await makeTempFolder();
  const copy = { folder, old: join(folder, 'old'), delta: join(folder, 'update.delta') };
  await cp(made.old, copy.old, { recursive: true });
  await copyFile(made.delta, copy.delta);
  return { ...copy, output: join(folder, 'new') };
}

async function expectSame(folder: string, { wanted, names }: MadeDelta = made): Promise<void> {
  expect((await readdir(folder)).sort()).toEqual([...names].sort());
  for (const name of names) {
    const isSame = (await readFile(join(folder, name))).equals(await readFile(join(wanted, name)));
    expect([name, isSame]).toEqual([name, true]);
  }
}

/** A folder with a dd that knows only what POSIX says of it. */
async function makePlainDd(): Promise<string> {
  return makeTool(
    'dd',
    `case "$*" in *flag=*) echo "dd: bad operand" >&2; exit 1 ;; esac\nexec ${findTool('dd')} "$@"`,
  );
}

async function makeTool(name: string, body: string): Promise<string> {
  const folder = await makeTempFolder();
  await writeFile(join(folder, name), `#!/bin/sh\n${body}\n`);
  await chmod(join(folder, name), 0o755);
  return folder;
}

describe('apply.sh rebuilds the new bundle, equal to the byte', () => {
  it.each(shells)('under %s, with dd that counts in bytes', async (shell) => {
    const { folder, old, output } = await copyMade();
    const { status, said } = await apply(made.delta, ['-o', output, old], { shell, cwd: folder });
    expect([status, said]).toEqual([0, expect.stringContaining(`Done: ${output} is the new bundle`)]);
    await expectSame(output);
    expect(execFileSync('sha256sum', ['--quiet', '-c', 'SHA256SUMS'], { cwd: output }).toString()).toBe('');
  });

  it.each(foreignToolShells)('under %s, with a dd of POSIX alone', async (shell) => {
    const { old, output } = await copyMade();
    const first = await makePlainDd();
    const { status } = await apply(made.delta, ['-o', output, join(old, 'images.tar.xz')], { shell, first });
    expect(status).toBe(0);
    await expectSame(output);
  });

  it('from names with spaces, quotes and dashes, given relative to where one is', async () => {
    const { folder } = await copyMade();
    const [odd, name] = [`it's $HOME "old"`, '-up `date`.delta'];
    await rename(join(folder, 'old'), join(folder, odd));
    await rename(join(folder, 'update.delta'), join(folder, name));
    const { status } = await apply(`./${name}`, [odd, '--output', ' new;x'], { cwd: folder });
    expect(status).toBe(0);
    await expectSame(join(folder, ' new;x'));
  });

  it('beside OLD, without any argument, into new-bundle', async () => {
    const { folder, old, delta } = await copyMade();
    await rename(delta, join(old, 'update.delta'));
    const { status } = await apply('old/update.delta', [], { cwd: folder });
    expect(status).toBe(0);
    await expectSame(join(folder, 'new-bundle'));
  });

  it('in the place of OLD; run again it finds that there is nothing to do', async () => {
    const { old, delta } = await copyMade();
    const { status, said } = await apply(delta, ['-o', old, old]);
    expect([status, said]).toEqual([0, expect.stringContaining('Done')]);
    await expectSame(old);
    const again = await apply(delta, ['-o', old, old]);
    expect([again.status, again.said]).toEqual([0, expect.stringContaining('There is nothing to do')]);
  });

  it('to standard output, and nothing else to it', async () => {
    const { folder, old, delta } = await copyMade();
    const output = join(folder, 'streamed');
    execFileSync('sh', ['-c', 'sh "$1" --stdout "$2" >"$3" 2>/dev/null', 'sh', delta, old, output]);
    expect((await readFile(output)).equals(await readFile(join(made.wanted, 'images.tar.xz')))).toBe(true);
    expect((await readdir(folder)).sort()).toEqual(['old', 'streamed', 'update.delta']);
  });
});

describe('apply.sh with parts', () => {
  it('takes OLD in parts from two folders and makes the parts of the new bundle', async () => {
    const folder = await makeTempFolder();
    const split = await makeDelta(folder, { oldPartSize: 600_000, newPartSize: 600_000 });
    const parts = (await readdir(split.old)).filter((name) => name.startsWith('images.tar.xz.'));
    expect(parts.length).toBeGreaterThan(2);
    const second = join(folder, 'second disc');
    await mkdir(second);
    await rename(join(split.old, 'images.tar.xz.002'), join(second, 'images.tar.xz.002'));
    const missing = await apply(split.delta, ['-o', join(folder, 'new'), split.old]);
    expect([missing.status, missing.said]).toEqual([5, expect.stringContaining('--parts FOLDER')]);
    const { status } = await apply(split.delta, ['--parts', second, '-o', join(folder, 'new'), split.old]);
    expect(status).toBe(0);
    await expectSame(join(folder, 'new'), split);
  });

  it('says which parts of the bundle before are left where the new one has taken its place', async () => {
    const folder = await makeTempFolder();
    const split = await makeDelta(folder, { oldPartSize: 600_000 });
    const { status, said } = await apply(split.delta, ['-o', split.old, split.old]);
    expect([status, said]).toEqual([
      0,
      expect.stringContaining('images.tar.xz.001 is of the bundle before and is no longer needed'),
    ]);
    const { status: again } = await apply(split.delta, ['-o', split.old, split.old]);
    expect(again).toBe(0);
  });
});

describe('apply.sh with the archive alone', () => {
  it('refuses a folder whose SHA256SUMS or bundle.json are those of another bundle, and changes nothing', async () => {
    const folder = await makeTempFolder();
    const alone = await makeDelta(folder, { isArchiveOnly: true });
    for (const companion of ['SHA256SUMS', 'bundle.json']) {
      const stick = join(await makeTempFolder(), 'stick');
      await mkdir(stick);
      for (const name of ['images.tar.xz', companion])
        await copyFile(join(alone.old, name), join(stick, name));
      const result = await apply(alone.delta, ['-o', stick, stick]);
      expect([result.status, result.said]).toEqual([
        7,
        expect.stringContaining(`its ${companion} describes`),
      ]);
      expect((await readdir(stick)).sort()).toEqual([companion, 'images.tar.xz'].sort());
      const kept = await readFile(join(stick, 'images.tar.xz'));
      expect(kept.equals(await readFile(join(alone.old, 'images.tar.xz')))).toBe(true);
      // Where those of the new bundle lie there already, they are right when it is done.
      await copyFile(join(alone.wanted, companion), join(stick, companion));
      expect((await apply(alone.delta, ['-o', stick, stick])).status).toBe(0);
    }
  });
});

describe('apply.sh refuses, and writes nothing', () => {
  async function expectRefused(
    args: readonly string[],
    status: number,
    said: string | RegExp,
    { delta = made.delta, ...options }: RunScriptOptions & { readonly delta?: string } = {},
  ): Promise<void> {
    const folder = await makeTempFolder();
    const result = await apply(delta, ['-o', join(folder, 'new'), ...args], options);
    expect([result.status, result.said]).toEqual([status, expect.stringMatching(said)]);
    expect(await readdir(folder)).toEqual([]);
  }

  it('another bundle of another size, and says which one it wants', async () => {
    const { old } = await copyMade();
    await appendFile(join(old, 'images.tar.xz'), 'more');
    await expectRefused(
      [old],
      9,
      /bytes, not \d+[^]*This delta continues another bundle: 5 images of the test/,
    );
  });

  it('another bundle of the same size', async () => {
    const { old } = await copyMade();
    await spoil(join(old, 'images.tar.xz'), -100);
    await expectRefused([old], 9, /the same size, but other images/);
  });

  it('the new bundle as OLD, and says that it is', () =>
    expectRefused([made.wanted], 9, /it is the new bundle already/));

  it('a folder without a bundle, a file that is not there, and a second OLD', async () => {
    await expectRefused([join(root, 'cache')], 5, /there is no images\.tar\.xz and no images\.tar\.xz\.001/);
    await expectRefused([join(root, 'nowhere')], 5, /Cannot find "/);
    await expectRefused([made.old, made.old], 2, /only one OLD/);
    await expectRefused(['--fast', made.old], 2, /no option "--fast"/);
  });

  it('itself where it is cut off, within the text or the blocks; too long; or damaged', async () => {
    const { delta } = await copyMade();
    const { size } = await stat(delta);
    await truncate(delta, size - 1);
    await expectRefused([made.old], 5, /cut off/, { delta });
    await appendFile(delta, 'xy');
    await expectRefused([made.old], 5, /changed on its way/, { delta });
    await copyFile(made.delta, delta);
    await spoil(delta, -50);
    await expectRefused([made.old], 5, /its blocks are not what they were/, { delta });
  });

  it.each(shells)('itself wherever it ends, within its text too, under %s', async (shell) => {
    const { folder, delta } = await copyMade();
    const bytes = await readFile(made.delta);
    const text = bytes.indexOf('apply_main "$@"; exit\n');
    const ends = Array.from({ length: Math.floor(text / 512) }, (_, index) => (index + 1) * 512);
    const output = join(folder, 'new');
    for (const end of [...ends, text, text + 'apply_main'.length, text + 'apply_main "$@"'.length]) {
      await writeFile(delta, bytes.subarray(0, end));
      const { status, said } = await apply(delta, ['-o', output, made.old], { shell });
      expect([end, status === 0, said === '']).toEqual([end, false, false]);
    }
    expect(await readdir(folder)).toEqual(['old', 'update.delta']);
  });

  it('an OLD that is damaged where its end does not tell, after it has found that out', async () => {
    const { old, output } = await copyMade();
    await spoil(join(old, 'images.tar.xz'), await findUsedByte());
    const { status, said } = await apply(made.delta, ['-o', output, old]);
    expect([status, said]).toEqual([5, expect.stringContaining('OLD is damaged')]);
    expect(await readdir(output)).toEqual([]);
    const streamed = await apply(made.delta, ['--stdout', old]);
    expect([streamed.status, streamed.said]).toEqual([5, expect.stringContaining('OLD is damaged')]);
  });

  it('without a tool for sums, or dd', async () => {
    const without = (name: string): RunScriptOptions => ({
      only: applyTools.filter((tool) => tool !== name),
    });
    await expectRefused([made.old], 3, /no sha256sum, shasum or openssl/, without('sha256sum'));
    await expectRefused([made.old], 3, /there is no dd/, without('dd'));
  });

  it('to write where it may not', async () => {
    const { status, said } = await apply(made.delta, ['-o', '/proc/1/new', made.old]);
    expect([status, said]).toEqual([7, expect.stringContaining('Cannot make the folder')]);
    await expectRefused(['-o', join(made.old, 'images.tar.xz'), made.old], 2, /it is not a folder/);
  });

  it('too little space, before it writes; and ends well where the disk is full sooner than it seemed', async () => {
    const disk = await makeTempFolder();
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=300k', 'tmpfs', disk]);
    onTestFinished(() => {
      execFileSync('umount', [disk]);
    });
    const before = await apply(made.delta, ['-o', join(disk, 'new'), made.old]);
    expect([before.status, before.said]).toEqual([
      6,
      expect.stringMatching(/\d MB are needed there, and \d+ kB are free/),
    ]);
    expect(await readdir(disk)).toEqual([]);
    for (const first of [undefined, await makePlainDd()]) {
      const options = first === undefined ? {} : { first };
      const late = await apply(made.delta, ['--no-space-check', '-o', join(disk, 'new'), made.old], options);
      expect([late.status, late.said]).toEqual([6, expect.stringContaining('the disk is full')]);
      expect(await readdir(join(disk, 'new'))).toEqual([]);
    }
    const streamed = await apply(made.delta, ['--stdout', '--dry-run', made.old]);
    expect(streamed.status).toBe(0);
  });

  it('nothing with --dry-run: it says what it needs, and writes nothing', () =>
    expectRefused(['--dry-run', made.old], 0, /MB needed in [^]* free[^]*Nothing was written/));
});

describe('apply.sh, stopped', () => {
  /** A dd that waits, when it has copied the first range of the new bundle, until it is killed; it leaves a mark. */
  async function makeWaitingDd(folder: string): Promise<string> {
    return makeTool(
      'dd',
      `${findTool('dd')} "$@" || exit\ncase "$(readlink /proc/$$/fd/1)" in *images.tar.xz) : >'${folder}/mark'; exec sleep 600 ;; esac`,
    );
  }

  async function startAndWait(shell: (typeof shells)[number]): Promise<{
    copy: Awaited<ReturnType<typeof copyMade>>;
    group: number;
    ended: Promise<ScriptResult>;
  }> {
    const copy = await copyMade();
    const first = await makeWaitingDd(copy.folder);
    let group = 0;
    const ended = apply(copy.delta, ['-o', copy.output, copy.old], {
      shell,
      first,
      only: [...applyTools, 'sleep', 'readlink'],
      onStart: (pid) => (group = pid),
    });
    await waitUntil('dd waits', () =>
      stat(join(copy.folder, 'mark')).then(
        () => true,
        () => false,
      ),
    );
    return { copy, group, ended };
  }

  it.each(foreignToolShells)(
    'by a signal, under %s: ends at once with 130 and leaves nothing',
    async (shell) => {
      const { copy, group, ended } = await startAndWait(shell);
      onTestFinished(() => {
        if (listGroup(group) !== '') process.kill(-group, 'SIGKILL');
      });
      process.kill(group, 'SIGTERM');
      await waitUntil('the script has ended', () => Promise.resolve(!isRunning(group)));
      process.kill(-group, 'SIGKILL'); // the dd that waits for ever
      const { status, said } = await ended;
      expect([status, said]).toEqual([130, expect.stringContaining('Stopped. Nothing has been changed.')]);
      expect(await readdir(copy.output)).toEqual([]);
    },
  );

  it('by a power cut: nothing is seen under its name, and the next run ends well', async () => {
    const { copy, group, ended } = await startAndWait('dash');
    process.kill(-group, 'SIGKILL');
    await ended;
    expect(await readdir(copy.output)).toEqual(['.bundlefs-new']);
    const { status } = await apply(copy.delta, ['-o', copy.output, copy.old]);
    expect(status).toBe(0);
    await expectSame(copy.output);
  });

  it('by a power cut between the renames, in the place of OLD: the next run needs no OLD any more', async () => {
    const { old, delta } = await copyMade();
    await cp(made.wanted, join(old, '.bundlefs-new'), { recursive: true });
    await rename(join(old, '.bundlefs-new/images.tar.xz'), join(old, 'images.tar.xz'));
    const { status } = await apply(delta, ['-o', old, old]);
    expect(status).toBe(0);
    await expectSame(old);
  });

  it('by a signal in the run after such a power cut: what is staged, and nowhere else, stays', async () => {
    const { folder, old, delta } = await copyMade();
    await cp(made.wanted, join(old, '.bundlefs-new'), { recursive: true });
    await rename(join(old, '.bundlefs-new/images.tar.xz'), join(old, 'images.tar.xz'));
    const staged = await readdir(join(old, '.bundlefs-new'));
    const first = join(folder, 'first');
    await mkdir(first);
    await writeFile(join(first, 'sync'), '#!/bin/sh\nkill -TERM "$PPID"\n', { mode: 0o755 });
    expect((await apply(delta, ['-o', old, old], { first })).status).toBe(130);
    expect(await readdir(join(old, '.bundlefs-new'))).toEqual(staged);
    expect((await apply(delta, ['-o', old, old])).status).toBe(0);
    await expectSame(old);
  });

  it('by a reader of --stdout that ends: says so', async () => {
    const { old, delta } = await copyMade();
    const child = spawn('sh', [delta, '--stdout', old], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const [status] = (await once(child, 'close')) as [number];
    expect([status, said]).toEqual([7, expect.stringContaining('whoever read it has ended')]);
  });
});

/** A byte of OLD that the new bundle is made of. */
async function findUsedByte(): Promise<number> {
  const text = (await readFile(made.delta)).toString('latin1');
  const start = /^old (\d+) /m.exec(text)?.[1];
  if (start === undefined) throw new Error('The delta takes nothing from OLD');
  return Number(start);
}

/** Whether a child of this process has not been seen to end. */
function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Changes one byte of the file at `path`; a negative position counts from its end. */
async function spoil(path: string, position: number): Promise<void> {
  const file = await open(path, 'r+');
  const at = position < 0 ? (await file.stat()).size + position : position;
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, at);
  byte[0] = (byte[0] ?? 0) ^ 0xff;
  await file.write(byte, 0, 1, at);
  await file.close();
}
