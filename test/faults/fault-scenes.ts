/** Whole runs of the program in which something fails, each in a folder of its own that has all that it needs. */
import { cp, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { writeManyArchive } from '../../bench/many-archives.ts';
import { runCli, runCliOk } from '../support/run-cli.ts';

export interface FaultScene {
  readonly verb: string;
  readonly args: readonly string[];
  /** Where calls fail: what is read, the cache, what is written. */
  readonly below: readonly string[];
  /** What the run makes, a file or a folder, which is whole or absent afterwards. */
  readonly output?: string;
  /** Puts everything back to where it was before the run. */
  reset(): Promise<void>;
}

/** Makes the scenes in `folder`. */
export async function makeScenes(folder: string): Promise<FaultScene[]> {
  const path = (name: string): string => join(folder, name);
  const preset = ['--no-config', '--preset', '0'];
  for (const revision of [1, 2] as const) {
    await writeManyArchive(path(`r${revision}.tar`), 'blocks', 12, revision);
  }
  const known = path('known');
  await runCliOk(['build', ...preset, '--from', path('r1.tar'), '-o', path('r1.tar.xz')], { cache: known });
  const cache = path('cache');
  const scene = (verb: string, args: readonly string[], output?: string, isKnown = false): FaultScene => ({
    verb,
    args: [verb, ...args],
    below: [path('r1.tar'), path('r2.tar'), cache, ...(output === undefined ? [] : [output])],
    ...(output !== undefined && { output }),
    async reset() {
      await rm(cache, { recursive: true, force: true });
      if (isKnown) await cp(known, cache, { recursive: true });
      if (output !== undefined) await rm(output, { recursive: true, force: true });
      if (verb === 'copy') await mkdir(path('stick'));
    },
  });
  return [
    scene(
      'build',
      [...preset, '--cache', cache, '--from', path('r1.tar'), '-o', path('out.tar.xz')],
      path('out.tar.xz'),
    ),
    scene('stream', [...preset, '--cache', cache, '--from', path('r1.tar')], undefined, true),
    scene(
      'delta',
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
      path('out.delta'),
      true,
    ),
    scene(
      'copy',
      [...preset, '--cache', cache, '--allow-system-disk', '--from', path('r1.tar'), path('stick')],
      path('stick'),
    ),
    scene('diff', ['--no-config', '--cache', cache, '--files', path('r1.tar'), path('r1.tar.xz')]),
    scene('verify', [path('r1.tar.xz')]),
    scene('inspect', [path('r1.tar')]),
    scene(
      'squash',
      [...preset, '--cache', cache, 'many/app:1', '--from', path('r2.tar'), '-o', path('flat.tar.xz')],
      path('flat.tar.xz'),
    ),
    scene('cache', ['verify', '--no-config', '--cache', cache], undefined, true),
    scene('mount', [...preset, '--cache', cache, '--from', path('r1.tar'), path('mnt')], path('mnt')),
  ];
}

/** What is wrong with what a failed run left; undefined where nothing half-made is there. `whole` is what it makes. */
export async function findHalfMade(
  { verb, output }: FaultScene,
  whole: Buffer | undefined,
): Promise<string | undefined> {
  if (output === undefined || verb === 'mount' || verb === 'copy') return undefined;
  // What fails at last, such as writing the journal, finds the output in its place.
  if (existsSync(output) && whole?.equals(await readFile(output)) === false) {
    return `there is a "${output}" that is not whole`;
  }
  const left = (await readdir(join(output, '..'))).filter((name) => name.includes('.partial'));
  return left.length > 0 ? `there is "${left.join()}"` : undefined;
}

/** What `scene` makes where nothing fails, where that is a file. */
export async function readWhole(scene: FaultScene): Promise<Buffer | undefined> {
  await scene.reset();
  await runCliOk(scene.args);
  await endScene(scene);
  const { verb, output } = scene;
  return output === undefined || verb === 'mount' || verb === 'copy' ? undefined : readFile(output);
}

/** Unmounts what a run may have mounted. */
export async function endScene({ verb, output = '' }: FaultScene): Promise<void> {
  if (verb === 'mount') await runCli(['unmount', output]);
}
