import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keepRecord } from '../../../src/mount/control/mount-record.ts';
import { runCliOk } from '../../support/run-cli.ts';
import { startEngine } from '../../support/throwaway-engine.ts';
import { type AskShell, shells, withShell } from './ask-shells.ts';

const run = promisify(execFile);
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp('/tmp/bfs-');
  await mkdir(join(folder, 'subfolder'));
  await writeFile(join(folder, 'some.tar'), '');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** fish marks folders in what it offers, bash leaves that to readline. */
function withoutSlashes(offers: readonly string[]): string[] {
  return offers.map((offer) => offer.replace(/\/$/, ''));
}

describe.each(shells)('completion in %s', (shell) => {
  const within = (test: (ask: AskShell) => Promise<void>) => () => withShell(shell, folder, test);

  it(
    'offers verbs, verbs of verbs, and none that is hidden',
    within(async (ask) => {
      expect(await ask('bundlefs mo')).toEqual(['mount']);
      expect(await ask('bundlefs cache ')).toEqual(['gc', 'info', 'verify']);
      expect(await ask('bundlefs --debug un')).toEqual(['unmount']);
      expect(await ask('bundlefs trial')).toEqual([]);
    }),
  );

  it(
    'offers options of the verb, and their choices',
    within(async (ask) => {
      expect(await ask('bundlefs cache gc --dry')).toEqual(['--dry-run']);
      expect(await ask('bundlefs mount --media ')).toEqual(['cd', 'dvd', 'fat32']);
      expect(await ask('bundlefs completion z')).toEqual(['zsh']);
      const withEquals = await ask('bundlefs build --check=sha');
      expect(withEquals.map((offer) => offer.replace('--check=', ''))).toEqual(['sha256']);
    }),
  );

  it(
    'offers files where a file is wanted, and folders where a folder is',
    within(async (ask) => {
      expect(withoutSlashes(await ask('bundlefs verify s'))).toEqual(['some.tar', 'subfolder']);
      expect(withoutSlashes(await ask('bundlefs build --cache s'))).toEqual(['subfolder']);
      expect(await ask('bundlefs build --preset s')).toEqual([]);
    }),
  );

  it(
    'takes the verb of the first word that is none of an option, and a value for no verb',
    within(async (ask) => {
      expect(await ask('bundlefs build cache --pla')).toEqual(['--platform']);
      expect(await ask('bundlefs build -o cache --pla')).toEqual(['--platform']);
    }),
  );
});

it('offers the images of the engine in every shell, colons and all', async () => {
  await using engine = await startEngine();
  await run('tar', ['-cf', join(folder, 'root.tar'), '-C', folder, 'subfolder']);
  for (const name of ['shop/web:1', 'shop/web:2', 'other:3']) {
    await engine.docker('import', join(folder, 'root.tar'), name);
  }
  const env = { DOCKER_HOST: engine.host };
  for (const shell of shells) {
    await withShell(shell, folder, async (ask) => {
      const offers = await ask('bundlefs build sh', { env });
      expect(offers.map((offer) => offer.replace('\\', ''))).toEqual(['shop/web:1', 'shop/web:2']);
      const behindColon = await ask('bundlefs build shop/web:', { env });
      // bash replaces only what is behind the colon, so that this is what it has to be given.
      expect(behindColon.map((offer) => offer.replace(/^shop\/web\\?:/, ''))).toEqual(['1', '2']);
    });
  }
});

it('offers the mounts of this user in every shell', async () => {
  const env = { XDG_STATE_HOME: folder };
  const mountPoint = join(folder, 'mnt');
  await keepRecord({ format: 'bundlefs-mount-1', mountPoint, pid: process.pid, since: '' }, env);
  for (const shell of shells) {
    await withShell(shell, folder, async (ask) => {
      expect(await ask(`bundlefs unmount --lazy ${folder}/m`, { env })).toEqual([mountPoint]);
    });
  }
});

it('complete says nothing where the engine cannot be reached', async () => {
  const { stdout, stderr } = await runCliOk(['complete', 'images'], {
    env: { DOCKER_HOST: 'unix:///nowhere.sock' },
  });
  expect([stdout.toString(), stderr]).toEqual(['', '']);
});

it('the script of bash has no fault that shellcheck finds', async () => {
  const path = join(folder, 'completion.bash');
  await writeFile(path, (await runCliOk(['completion', 'bash'])).stdout);
  await run('shellcheck', ['--shell=bash', path]);
});
