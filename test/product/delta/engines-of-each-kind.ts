/** One engine of each kind that a delta may be for, for the tests of one file. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startNewerEngine } from '../../support/newer-engine.ts';
import { makeTempFolder } from '../../support/temp-folder.ts';
import { startEngine, type ThrowawayEngine } from '../../support/throwaway-engine.ts';

const run = promisify(execFile);

export const inContainerd = 'a newer engine in containerd';
export const graphDrivers = ['20.10', 'a newer engine with a graph driver'] as const;
export const engineNames = [...graphDrivers, inContainerd] as const;
export type EngineName = (typeof engineNames)[number];

export interface EnginesOfEachKind extends AsyncDisposable {
  get(name: EngineName): ThrowawayEngine;
  /** Removes what the tests before have loaded. */
  removeImages(): Promise<void>;
}

export async function startEngines(): Promise<EnginesOfEachKind> {
  const engines: Readonly<Record<EngineName, ThrowawayEngine>> = {
    '20.10': await startEngine(),
    'a newer engine with a graph driver': await startNewerEngine('graph driver'),
    [inContainerd]: await startNewerEngine('containerd'),
  };
  return {
    get: (name) => engines[name],
    async removeImages() {
      for (const engine of Object.values(engines)) {
        const ids = new Set((await engine.docker('images', '-aq', '--no-trunc')).split('\n').filter(Boolean));
        if (ids.size > 0) await engine.docker('rmi', '-f', ...ids);
      }
    },
    async [Symbol.asyncDispose]() {
      for (const engine of Object.values(engines)) await engine[Symbol.asyncDispose]();
    },
  };
}

/** Whether what the engine saves of an image has every layer of it, whole. */
export async function savesWhole(engine: ThrowawayEngine, name: string): Promise<boolean> {
  const file = join(await makeTempFolder(), 'saved.tar');
  await engine.docker('save', '-o', file, name);
  const listing = await run('tar', ['-xOf', file, 'manifest.json']);
  const [manifest] = JSON.parse(listing.stdout) as { Layers: string[] }[];
  const layers = JSON.parse(
    await engine.docker('inspect', '-f', '{{json .RootFS.Layers}}', name),
  ) as string[];
  const hashes: string[] = [];
  for (const member of manifest?.Layers ?? []) {
    const { stdout } = await run('sh', ['-c', 'tar -xOf "$1" "$2" | sha256sum', 'sh', file, member]).catch(
      () => ({
        stdout: '',
      }),
    );
    hashes.push(`sha256:${stdout.slice(0, 64)}`);
  }
  return JSON.stringify(hashes) === JSON.stringify(layers);
}
