/** Programs of newer Debians that run on this one: what bin/setup --test unpacked of single packages. */
import { access } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Debian 13's has docker-compose 2.26; sid's has docker-compose 2.40 and dockerd, docker and containerd 28.5 or newer. */
export type UnpackedSuite = 'trixie' | 'sid';

/** The path of such a program (`usr/bin/docker`). Throws where it is not there, for tests must not do without. */
export async function findUnpacked(suite: UnpackedSuite, program: string): Promise<string> {
  const path = join(testCache(), `${suite}-debs-1`, program);
  await access(path).catch((error: unknown) => {
    throw new Error(`There is no ${path}: run bin/setup --test`, { cause: error });
  });
  return path;
}

/** `startEngine`'s `path` for sid's dockerd, with its containerd. It saves and loads images; to run containers it takes the installed runc. */
export async function findUnpackedEnginePath(): Promise<string> {
  const dockerd = await findUnpacked('sid', 'usr/sbin/dockerd');
  const folder = join(dockerd, '../..');
  return `${folder}/sbin:${folder}/bin:${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;
}

/** The folder in which bin/setup keeps what tests need: the same as there. */
export function testCache(): string {
  const named = process.env['XDG_CACHE_HOME'] ?? '';
  return join(named === '' ? join(homedir(), '.cache') : named, 'bundlefs-test');
}
