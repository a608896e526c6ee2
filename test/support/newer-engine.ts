/** A Docker engine of version 25 or newer, for one test file: the installed one, or the one that bin/setup --test unpacked. */
import { execFile } from 'node:child_process';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startEngine, type ThrowawayEngine } from './throwaway-engine.ts';
import { testCache } from './unpacked-packages.ts';

const run = promisify(execFile);

/** Starts it with an empty store of this kind. Throws where there is no such engine, for tests must not do without. */
export async function startNewerEngine(store: 'graph driver' | 'containerd'): Promise<ThrowawayEngine> {
  const root = (await isInstalledNewer()) ? undefined : await findRoot();
  return startEngine({
    ...(root !== undefined && { root }),
    settings: { features: { 'containerd-snapshotter': store === 'containerd' } },
  });
}

async function isInstalledNewer(): Promise<boolean> {
  const path = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;
  const { stdout } = await run('dockerd', ['--version'], { env: { ...process.env, PATH: path } });
  return Number(/version (\d+)\./.exec(stdout)?.[1]) >= 25;
}

async function findRoot(): Promise<string> {
  const root = join(testCache(), 'trixie-1');
  await access(join(root, 'usr/sbin/dockerd')).catch((error: unknown) => {
    throw new Error(`There is no newer docker in ${root}: run bin/setup --test as root`, { cause: error });
  });
  return root;
}
