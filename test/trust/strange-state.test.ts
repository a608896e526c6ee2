/** Whatever lies in the state folder or among the control sockets: nothing is waited for or believed, nothing outside is changed, and what is refused is named. */
import { execFileSync } from 'node:child_process';
import { chown, mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLedger } from '../../src/cache/ledger.ts';
import { ForeignThingError } from '../../src/disk/own/foreign-thing.ts';
import { isBundleError } from '../../src/ground/errors.ts';
import { askStatus } from '../../src/mount/control/ask-mount.ts';
import { startControlServer } from '../../src/mount/control/control-server.ts';
import { findMounts } from '../../src/mount/control/find-mounts.ts';
import { logPathOf, mountId, socketFolders } from '../../src/mount/control/mount-places.ts';
import { forgetRecord, keepRecord, listRecords } from '../../src/mount/control/mount-record.ts';
import { buildSampleImages } from '../fixtures/sample-images.ts';
import { writeHybridArchive } from '../fixtures/write-hybrid-archive.ts';
import { runCli, runCliOk } from '../support/run-cli.ts';
import { makeTempFolder } from '../support/temp-folder.ts';
import { describeTree, things, withinTime } from './things.ts';

const mallory = 50_002;
const mountPoint = '/nowhere/mnt';
const root = '/nowhere/cache/v1';
const record = { format: 'bundlefs-mount-1', mountPoint, pid: 2 ** 22, since: '2026-01-01' } as const;

/** A fact of a ledger and a record of a mount, neither of which this user wrote. */
const forgedFact = 'forged yes\n';
const forgedRecord = JSON.stringify({ ...record, mountPoint: '/forged', socketPath: '/forged/socket' });

interface World {
  readonly environment: NodeJS.ProcessEnv;
  readonly state: string;
  readonly runtime: string;
  readonly victim: string;
}

const id = mountId(mountPoint);
/** Below the state folder, or the runtime folder; `cache` stands for the ledger of the cache. */
const places: readonly (readonly ['state' | 'runtime', string])[] = [
  ...['', 'known', 'known/cache', 'known/cache/recipes', 'known/evil', 'mounts', `mounts/${id}.json`].map(
    (place) => ['state', place] as const,
  ),
  ...['mounts/evil', `mounts/${'5'.repeat(12)}.json`, 'run', `run/${id}.sock`].map(
    (place) => ['state', place] as const,
  ),
  ...['', `${id}.sock`, 'evil'].map((place) => ['runtime', place] as const),
];

const strange: typeof things = {
  ...things,
  'a folder of another user': async (path) => {
    await mkdir(path);
    for (const name of ['recipes', 'cache', `${id}.json`]) {
      await writeFile(join(path, name), name.endsWith('.json') ? forgedRecord : forgedFact);
    }
    await chown(path, mallory, mallory);
  },
  'a file of another user': async (path) => {
    await writeFile(path, path.endsWith('.json') ? forgedRecord : forgedFact);
    await chown(path, mallory, mallory);
  },
  'a file that others may write': async (path) => {
    await writeFile(path, path.endsWith('.json') ? forgedRecord : forgedFact);
    execFileSync('chmod', ['666', path]);
  },
};

async function makeWorld(): Promise<World> {
  const folder = await makeTempFolder();
  const victim = join(folder, 'home');
  await mkdir(join(victim, 'chapters'), { recursive: true });
  for (const name of ['thesis.txt', 'chapters/recipes', `chapters/${id}.json`]) {
    await writeFile(join(victim, name), name.endsWith('.json') ? forgedRecord : forgedFact);
    await utimes(join(victim, name), 1, 1);
  }
  await mkdir(join(folder, 'xdg'));
  const environment = { XDG_STATE_HOME: join(folder, 'xdg/state'), XDG_RUNTIME_DIR: join(folder, 'xdg/run') };
  for (const path of Object.values(environment)) await mkdir(path);
  return {
    environment,
    state: join(environment.XDG_STATE_HOME, 'bundlefs'),
    runtime: join(environment.XDG_RUNTIME_DIR, 'bundlefs'),
    victim,
  };
}

/** Notes a fact, and reads what the ledger says afterwards; each step may find its folder in the way. */
async function useLedger({ environment }: World): Promise<void> {
  const ledger = openLedger(root, environment);
  const facts = await ledger.open('recipes');
  expect(facts.find('forged')).toBeUndefined();
  facts.note('mine', '1');
  await ledger.save();
  await ledger.compact('recipes', () => true);
  const after = await openLedger(root, environment).open('recipes');
  expect(after.find('forged')).toBeUndefined();
}

async function useRecords({ environment }: World): Promise<void> {
  const isForged = (found: { readonly mountPoint: string }): boolean => found.mountPoint === '/forged';
  expect((await listRecords(environment)).some(isForged)).toBe(false);
  expect((await findMounts(environment)).some(isForged)).toBe(false);
  await keepRecord(record, environment);
  expect((await listRecords(environment)).some(({ pid }) => pid === record.pid)).toBe(true);
  await forgetRecord(mountPoint, environment, record.pid);
}

/** Listens at the first place that can be had, as a mount does, and is asked there. */
async function useSockets({ environment }: World): Promise<void> {
  const signal = AbortSignal.timeout(5000);
  for (const folder of socketFolders(environment)) {
    const path = join(folder, `${id}.sock`);
    await askStatus(path, { signal }).catch((error: unknown) => {
      if (!isBundleError(error, 'not-mounted')) throw error;
    });
    const onError = (): void => undefined;
    const answer = (): Promise<void> => Promise.resolve();
    await using server = await startControlServer(path, answer, { onError });
    await askStatus(server.path, { signal }).catch((error: unknown) => {
      if (!isBundleError(error, 'mount-failed')) throw error; // it hangs up
    });
  }
}

const uses = { useLedger, useRecords, useSockets };

describe('a state folder or control folder with something strange in it', { timeout: 600_000 }, () => {
  it.each(places)(
    'changes nothing outside, and waits for and believes nothing: %s %s',
    async (where, place) => {
      for (const [name, put] of Object.entries(strange)) {
        const world = await makeWorld();
        for (const use of Object.values(uses)) await use(world); // what is there on another day
        const known = execFileSync('ls', [join(world.state, 'known')], { encoding: 'utf8' }).trim();
        const path = join(world[where], place.replace('cache', known));
        await rm(path, { recursive: true, force: true });
        await put(path, world.victim);
        const before = await describeTree(world.victim);
        for (const [verb, use] of Object.entries(uses)) {
          const label = `${verb} with ${name} at ${where} ${place}`;
          try {
            await withinTime(use(world));
          } catch (error) {
            const isNamed = error instanceof ForeignThingError || isBundleError(error, 'mount-failed');
            expect(isNamed, `${label}: ${String(error)}`).toBe(true);
            expect(String(error), label).toContain(path);
          }
        }
        expect(await describeTree(world.victim), `${name} at ${place}`).toEqual(before);
      }
    },
  );

  it('is written anew where others may have written a ledger', async () => {
    for (const name of [
      'a file of another user',
      'a file that others may write',
      'a second name of a file',
    ]) {
      const world = await makeWorld();
      await useLedger(world);
      const known = execFileSync('ls', [join(world.state, 'known')], { encoding: 'utf8' }).trim();
      const path = join(world.state, 'known', known, 'recipes');
      await rm(path);
      await strange[name]?.(path, world.victim);
      await useLedger(world);
      expect((await openLedger(root, world.environment).open('recipes')).find('mine'), name).toBe('1');
    }
  });
});

describe('a mount with something strange in its folders', () => {
  let folder: string;
  let archive: string;
  beforeAll(async () => {
    folder = await mkdtemp('/tmp/bfs-strange-');
    archive = join(folder, 'images.tar');
    await writeHybridArchive(archive, (await buildSampleImages()).slice(0, 1));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each([
    ['the log', 'a named pipe', false],
    ['the log', 'a link to a file', false],
    ['the log', 'a device', false],
    ['the log', 'a second name of a file', false],
    ['mounts', 'a named pipe', true],
    ['run', 'a link to a folder', true],
  ])('%s is %s', async (what, name, isMounted) => {
    const world = await makeWorld();
    const env = { XDG_STATE_HOME: world.environment['XDG_STATE_HOME'] ?? '', XDG_RUNTIME_DIR: '' };
    const path = await makeTempFolder();
    const place = what === 'the log' ? logPathOf(path, world.environment) : join(world.state, what);
    await mkdir(dirname(place), { recursive: true, mode: 0o700 });
    await strange[name]?.(place, world.victim);
    const before = await describeTree(world.victim);
    const args = ['mount', '--no-config', '--preset', '0', '--from', archive, path];
    const cache = join(dirname(world.victim), 'cache');
    const { status, stderr } = await runCli(args, { env, cache });
    try {
      expect(status, stderr).toBe(isMounted ? 0 : 8);
      const said = isMounted ? await readFile(logPathOf(path, world.environment), 'utf8') : stderr;
      expect(said).toContain(place);
      expect(await describeTree(world.victim)).toEqual(before);
      await runCliOk(['list'], { env });
    } finally {
      await runCli(['unmount', path], { env });
    }
  });
});
