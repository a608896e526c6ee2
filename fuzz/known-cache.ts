/** A cache that knows the base images, and what was made with it: for cases that change what is kept, or what refers to it. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { baseArchive, once } from './base-images.ts';
import { bundlefs, runProgram } from './run-program.ts';

export interface Known {
  /** Both revisions, in the layout of docker save before 25. */
  readonly archive: Buffer;
  readonly newArchive: Buffer;
  /** The bundles of these. */
  readonly bundle: Buffer;
  readonly newBundle: Buffer;
  /** What describe prints of the first; its source is `ARCHIVE`. */
  readonly recipe: string;
  /** A stick with the first, by name of the file. */
  readonly stick: string;
}

/** The folder with all of it; made by prepareKnown. */
let folder: string | undefined;

/** Makes it, once a process; the sandbox must not be entered yet. Returns what removes it. */
export function makeKnownFolder(): () => void {
  folder = mkdtempSync(join(tmpdir(), 'bundlefs-known-'));
  const made = folder;
  return () => {
    rmSync(made, { recursive: true, force: true });
  };
}

/** The folder of the cache that knows both revisions. Copy it. */
export async function knownCache(): Promise<string> {
  return dirname((await known()).stick) + '/cache';
}

/** All of it, made when it is asked for first. */
export const known = once(async (): Promise<Known> => {
  if (folder === undefined) throw new TypeError('makeKnownFolder comes first');
  const at = (name: string): string => join(folder ?? '', name);
  const run = async (...args: readonly string[]): Promise<string> => {
    const outcome = await runProgram(bundlefs, args, { cpuSeconds: 60, memoryMiB: 2000 });
    if (outcome.error !== undefined) throw outcome.error;
    return outcome.stdout;
  };
  const common = ['--no-config', '--preset', '0', '--cache', at('cache')];
  const archive = await baseArchive('legacy');
  const newArchive = await baseArchive('legacy', 2);
  writeFileSync(at('old.tar'), archive);
  writeFileSync(at('new.tar'), newArchive);
  await run('build', ...common, '--from', at('old.tar'), '-o', at('old.tar.xz'));
  await run('build', ...common, '--from', at('new.tar'), '-o', at('new.tar.xz'));
  const recipe = await run('describe', ...common, '--from', at('old.tar'));
  mkdirSync(at('stick'));
  await run('copy', at('stick'), ...common, '--allow-system-disk', '--quiet', '--from', at('old.tar'));
  return {
    archive,
    newArchive,
    bundle: readFileSync(at('old.tar.xz')),
    newBundle: readFileSync(at('new.tar.xz')),
    recipe: recipe.replaceAll(at('old.tar'), 'ARCHIVE'),
    stick: at('stick'),
  };
});
