/** Processes that may have few files open: a verb works, or says that it needs more; it never waits, and never blames itself. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { cp, mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeManyArchive } from '../../bench/many-archives.ts';
import { programPath, runCli, runCliOk } from '../support/run-cli.ts';

const execute = promisify(execFile);
const folder = mkdtempSync('/tmp/bfs-few-');
const at = (name: string): string => join(folder, name);
const env = { XDG_STATE_HOME: at('state') };
const build = ['--no-config', '--preset', '0', '--cache', at('cache'), '--from', at('many.tar')];

beforeAll(async () => {
  await writeManyArchive(at('many.tar'), 'images', 60, 1);
  await runCliOk(['build', ...build, '-o', at('many.tar.xz')], { env });
  await cp(at('cache'), at('known'), { recursive: true });
  await mkdir(at('mnt'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

interface Ended {
  readonly status: number;
  readonly stderr: string;
}

async function runWithLimit(limit: number, args: readonly string[]): Promise<Ended> {
  const shell = ['-c', `ulimit -n ${limit}; exec timeout 60 "$@"`, 'sh', programPath, ...args];
  const { status, stderr } = await execute('sh', shell, { env: { ...process.env, ...env } }).then(
    ({ stderr }) => ({ status: 0, stderr }),
    (error: unknown) => {
      const { code, stderr } = error as { readonly code: number; readonly stderr: string };
      return { status: code, stderr };
    },
  );
  return { status, stderr };
}

/** 9 where it could not start or read; 6 where it was in the cache. */
function expectWords({ status, stderr }: Ended): void {
  expect([0, 6, 9], stderr).toContain(status);
  if (status === 0) return;
  expect(stderr).toMatch(/^bundlefs: Cannot .*EMFILE/m);
  expect(stderr).toContain('ulimit -n 4096');
  expect(stderr).not.toMatch(/^\s+at /m);
}

// Node alone takes 20; below about 110 the program's own parts are what has no room.
describe.each([24, 40, 64, 100, 256])('with at most %i open files', (limit) => {
  it.each(['new', 'known'])('build makes the bundle or says why not; the cache is %s', async (kind) => {
    await rm(at('cache'), { recursive: true, force: true });
    await rm(at('out.tar.xz'), { force: true });
    if (kind === 'known') await cp(at('known'), at('cache'), { recursive: true });
    const ended = await runWithLimit(limit, ['build', ...build, '-o', at('out.tar.xz')]);
    expectWords(ended);
    const made = await readFile(at('out.tar.xz')).catch(() => undefined);
    expect(made !== undefined).toBe(ended.status === 0);
    if (made !== undefined) expect(made.equals(await readFile(at('many.tar.xz')))).toBe(true);
  });

  it.each([
    ['inspect', 'many.tar.xz'],
    ['verify', 'many.tar.xz'],
    ['verify', 'many.tar'],
  ])('%s %s works or says why not', async (verb, name) => {
    expectWords(await runWithLimit(limit, [verb, at(name)]));
  });

  it('mount shows the bundle or says why not', async () => {
    await rm(at('cache'), { recursive: true, force: true });
    await cp(at('known'), at('cache'), { recursive: true });
    const ended = await runWithLimit(limit, ['mount', ...build, at('mnt')]);
    try {
      expectWords(ended);
      if (ended.status !== 0) return;
      const { stdout } = await execute('timeout', [
        '30',
        'sha256sum',
        at('mnt/images.tar.xz'),
        at('many.tar.xz'),
      ]);
      const [shown, made] = stdout.split('\n').map((line) => line.slice(0, 64));
      expect(shown).toBe(made);
    } finally {
      await runCli(['unmount', at('mnt')], { env });
    }
  });

  if (limit === 256) {
    it('is enough for all of it', async () => {
      for (const args of [
        ['build', ...build, '-o', at('out.tar.xz')],
        ['verify', at('many.tar.xz')],
      ]) {
        expect(await runWithLimit(limit, args)).toMatchObject({ status: 0 });
      }
    });
  }
});
