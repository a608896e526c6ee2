/** Whole runs of the program in which something fails, each in a folder of its own that has all that it needs. */
import { execFile } from 'node:child_process';
import { cp, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { writeManyArchive } from '../../bench/many-archives.ts';
import { describeError, findErrno } from '../../src/ground/errors.ts';
import type { FaultCall } from './inject-fault.ts';
import { type CliResult, runCli, runCliOk } from '../support/run-cli.ts';
import { startEngine, type ThrowawayEngine } from '../support/throwaway-engine.ts';

const execute = promisify(execFile);

/** What a run that nothing failed in prints and makes: file names below `output`, and their content. */
export interface Whole {
  readonly stdout: Buffer;
  readonly files: ReadonlyMap<string, Buffer>;
}

export interface FaultScene {
  readonly verb: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Where calls fail: what is read, the cache, the state folder, what is written. */
  readonly below: readonly string[];
  /** What the run makes: a file or a folder. */
  readonly output: string | undefined;
  /** What a failed run may leave: nothing but what was whole before, or parts under other names, to go on from. */
  readonly kind: 'prints' | 'writes' | 'copies' | 'mounts' | 'loads';
  /** The old bundle that a delta is for. A delta has its time in it: what it makes is looked at, and not itself. */
  readonly base?: string;
  /** Puts everything back to where it was before the run. */
  reset(): Promise<void>;
  /** Ends what the run may have left behind that is running. */
  end(): Promise<void>;
}

export interface Scenes extends AsyncDisposable {
  readonly list: readonly FaultScene[];
}

export const sceneVerbs = [
  ...[
    'build',
    'stream',
    'delta',
    'copy',
    'diff',
    'verify',
    'inspect',
    'squash',
    'thin',
    'cache',
    'mount',
    'load',
  ],
] as const;

interface SceneOptions {
  readonly output?: string;
  /** Whether the cache has what r1.tar is made of. */
  readonly isKnown?: boolean;
  readonly base?: string;
}

type Verb = (typeof sceneVerbs)[number];

/** Makes the scenes of the `wanted` verbs in `folder`; with `load` among them, a Docker engine is started. */
export async function makeScenes(
  folder: string,
  wanted: readonly string[] = sceneVerbs,
  blockCount = 12,
): Promise<Scenes> {
  const path = (name: string): string => join(folder, name);
  const preset = ['--no-config', '--preset', '0'];
  for (const revision of [1, 2] as const) {
    await writeManyArchive(path(`r${revision}.tar`), 'blocks', blockCount, revision);
  }
  const [known, cache, state, tmp] = [path('known'), path('cache'), path('state'), path('tmp')];
  // All that the program keeps of its own is below one folder. A socket's path is short by way of an open folder.
  const env = { XDG_STATE_HOME: state, XDG_RUNTIME_DIR: path('run'), TMPDIR: tmp };
  await mkdir(path('run'));
  await runCliOk(['build', ...preset, '--from', path('r1.tar'), '-o', path('r1.tar.xz')], { cache, env });
  await cp(cache, known, { recursive: true, preserveTimestamps: true });
  await cp(state, path('known-state'), { recursive: true });
  const engine = wanted.includes('load') ? await startEngine() : undefined;

  const scene = (
    verb: Verb,
    kind: FaultScene['kind'],
    args: readonly string[],
    { output, isKnown = false, base }: SceneOptions = {},
  ): FaultScene => ({
    ...{ verb, kind, args: [verb, ...args], env, output, ...(base !== undefined && { base }) },
    below: [
      path('r1.tar'),
      path('r2.tar'),
      cache,
      state,
      path('run'),
      tmp,
      ...(output === undefined ? [] : [output]),
    ],
    async reset() {
      for (const part of [cache, state, tmp, ...(output === undefined ? [] : [output])]) {
        await rm(part, { recursive: true, force: true });
      }
      await mkdir(tmp);
      if (isKnown) {
        await cp(known, cache, { recursive: true, preserveTimestamps: true });
        await cp(path('known-state'), state, { recursive: true });
      }
      if (kind === 'copies') await mkdir(path('stick'));
      if (kind === 'mounts') await mkdir(path('mnt'));
      if (kind === 'loads') await removeImages(engine);
    },
    async end() {
      if (kind === 'mounts') await endMount(output ?? '', env);
    },
  });
  const fromFirst = [...preset, '--cache', cache, '--from', path('r1.tar')];
  const list = [
    scene('build', 'writes', [...fromFirst, '-o', path('out.tar.xz')], { output: path('out.tar.xz') }),
    scene('stream', 'prints', fromFirst, { isKnown: true }),
    scene(
      'delta',
      'writes',
      [
        ...preset,
        '--cache',
        cache,
        '--base',
        path('r1.tar.xz'),
        '--from',
        path('r2.tar'),
        '-o',
        path('out.delta'),
      ],
      { output: path('out.delta'), isKnown: true, base: path('r1.tar.xz') },
    ),
    scene('copy', 'copies', [...fromFirst, '--allow-system-disk', path('stick')], { output: path('stick') }),
    scene('diff', 'prints', ['--no-config', '--cache', cache, '--files', path('r1.tar'), path('r2.tar')]),
    scene('verify', 'prints', [path('r1.tar.xz')]),
    scene('inspect', 'prints', [path('r1.tar')]),
    scene(
      'squash',
      'writes',
      [...preset, '--cache', cache, 'many/app:1', '--from', path('r2.tar'), '-o', path('flat.tar.xz')],
      { output: path('flat.tar.xz') },
    ),
    scene(
      'thin',
      'writes',
      [
        ...[...preset, '--cache', cache, 'many/app:1', '--from', path('r2.tar'), '-t', 'many/thin:1'],
        ...['--on', 'many/app:1', '--on-from', path('r1.tar'), '-o', path('thin.tar.xz')],
      ],
      { output: path('thin.tar.xz') },
    ),
    scene('cache', 'prints', ['verify', '--no-config', '--cache', cache], { isKnown: true }),
    scene('mount', 'mounts', [...fromFirst, path('mnt')], { output: path('mnt'), isKnown: true }),
    scene('load', 'loads', [...fromFirst, '--into', engine?.host ?? '']),
  ];
  return {
    list: list.filter(({ verb }) => wanted.includes(verb)),
    async [Symbol.asyncDispose]() {
      await engine?.[Symbol.asyncDispose]();
    },
  };
}

/** What `scene` prints and makes where nothing fails. */
export async function readWhole(scene: FaultScene): Promise<Whole> {
  await scene.reset();
  const { stdout } = await runCliOk(scene.args, { env: scene.env });
  const files = await readMade(scene);
  await scene.end();
  return { stdout, files };
}

/** What is wrong with what a run left in which something failed; undefined where all of it is right. */
export async function findWrong(
  scene: FaultScene,
  run: CliResult,
  whole: Whole,
  call?: FaultCall,
): Promise<string | undefined> {
  const { kind, output } = scene;
  const isDone = run.status === 0;
  if (kind === 'loads') return undefined; // it asks the engine itself what arrived
  if (kind === 'prints') {
    // What `stream` wrote before it failed is the beginning of the bundle.
    if (scene.verb !== 'stream' && !isDone) return undefined;
    const wanted = isDone ? whole.stdout : whole.stdout.subarray(0, run.stdout.length);
    return run.stdout.equals(wanted) ? undefined : 'it printed something else';
  }
  if (output === undefined) return undefined;
  if (kind === 'mounts') return isDone ? findWrongMount(output, whole) : findMounted(output);
  const files = await readMade(scene);
  for (const [name, content] of files) {
    if (kind === 'copies' && !name.endsWith('.xz')) continue; // they have times in them
    if (whole.files.get(name)?.equals(content) === false) return `"${name}" is not whole`;
    if (!whole.files.has(name) && kind === 'writes') return `there is "${name}"`;
  }
  // Where the folder cannot be synced at last, it is in its place, and may be gone with the power.
  if (kind === 'writes' && !isDone && files.size > 0 && call !== 'sync') return 'it failed when all was done';
  if (isDone && files.size < whole.files.size) return 'it made nothing and did not say so';
  if (isDone && kind === 'copies') {
    try {
      await execute('sha256sum', ['-c', '--quiet', 'SHA256SUMS'], { cwd: output });
    } catch (error) {
      return `SHA256SUMS does not fit: ${describeError(error)}`;
    }
  }
  const partial = (await readdir(dirname(output))).find((name) => name.includes('.partial'));
  return partial === undefined ? undefined : `there is "${partial}"`;
}

async function readMade({ output, base }: FaultScene): Promise<Map<string, Buffer>> {
  const files = await readFiles(output);
  if (base === undefined || output === undefined || !files.has(output)) return files;
  const options = { encoding: 'buffer', maxBuffer: 64 * 1024 * 1024 } as const;
  return files.set(output, (await execute('sh', [output, '--stdout', base], options)).stdout);
}

/** All files at or below `path`, but for those that `copy` keeps to go on from. */
async function readFiles(path: string | undefined): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  if (path === undefined || !existsSync(path)) return files;
  try {
    for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) {
      const name = join(entry.parentPath, entry.name);
      if (entry.isFile() && !name.includes('.bundlefs') && !name.includes('.partial')) {
        files.set(name, await readFile(name));
      }
    }
  } catch (error) {
    if (findErrno(error) !== 'ENOTDIR') throw error;
    files.set(path, await readFile(path));
  }
  return files;
}

/** A mount may say EIO where a block cannot be read; it may not give other bytes, nor wait. */
async function findWrongMount(path: string, whole: Whole): Promise<string | undefined> {
  for (const [name, wanted] of whole.files) {
    const { stdout, failure } = await execute('timeout', ['20', 'cat', name], {
      encoding: 'buffer',
      maxBuffer: 64 * 1024 * 1024,
    }).then(
      ({ stdout }) => ({ stdout, failure: undefined }),
      (error: unknown) => {
        const { stdout, code } = error as { readonly stdout: Buffer; readonly code: number };
        return { stdout, failure: code };
      },
    );
    if (failure === 124) return `reading "${name}" hangs`;
    // The times of what is made anew, such as the status, differ.
    if (!name.endsWith('.tar.xz')) continue;
    if (!wanted.subarray(0, stdout.length).equals(stdout)) return `"${name}" has other bytes`;
    if (failure === undefined && stdout.length < wanted.length) return `"${name}" ends too early`;
  }
  return (await findMounted(path)) === undefined ? 'it is not mounted' : undefined;
}

async function findMounted(path: string): Promise<string | undefined> {
  return (await readFile('/proc/self/mountinfo', 'utf8')).includes(` ${path} `)
    ? 'it is still mounted'
    : undefined;
}

async function endMount(path: string, env: Readonly<Record<string, string>>): Promise<void> {
  await runCli(['unmount', path], { env });
  if ((await findMounted(path)) !== undefined) await execute('fusermount', ['-u', '-z', path]);
}

async function removeImages(engine: ThrowawayEngine | undefined): Promise<void> {
  const ids = (await engine?.docker('images', '-q'))?.split('\n').filter((id) => id !== '') ?? [];
  if (ids.length > 0) await engine?.docker('rmi', '-f', ...new Set(ids));
}
