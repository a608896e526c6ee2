/** Asks real versions of docker compose which images a project has. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { formatPlatform, parsePlatform } from '../../../src/image/platform.ts';
import { findErrno } from '../../../src/ground/errors.ts';
import { findUnpacked, type UnpackedSuite } from '../../support/unpacked-packages.ts';

const run = promisify(execFile);

/** A project on disk, and what is said of it on the command line. */
export interface ComposeProject {
  readonly title: string;
  readonly files: Readonly<Record<string, string>>;
  /** Compose files; where left out, those that docker compose finds in `folder`. */
  readonly compose?: readonly string[];
  /** Where docker compose is called, below the project's root; the root where left out. */
  readonly folder?: string;
  readonly profile?: readonly string[];
  readonly envFile?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

/** `shop/web:1 linux/arm64`, in order, each once, or what docker compose has against the project. */
export type Answer = { readonly images: readonly string[] } | { readonly error: string };

/** The two versions, by the Debian that they are of. */
export const suites: Readonly<Record<'2.26' | '2.40', UnpackedSuite>> = { '2.26': 'trixie', '2.40': 'sid' };

interface ComposeService {
  readonly image?: string;
  readonly platform?: string;
  readonly volumes?: readonly { readonly type: string; readonly source?: string }[];
}

/**
 * What `docker compose config` of this version says of `project`, whose files are in `root`: the images that
 * `config --images` lists, with the platforms of their services, and those of volumes.
 */
export async function askCompose(
  suite: UnpackedSuite,
  root: string,
  { compose = [], folder = '.', profile = [], envFile = [], environment = {} }: ComposeProject,
): Promise<Answer> {
  const program = await findUnpacked(suite, 'usr/libexec/docker/cli-plugins/docker-compose');
  const options = [
    ...compose.flatMap((file) => ['-f', file]),
    ...profile.flatMap((name) => ['--profile', name]),
    ...envFile.flatMap((file) => ['--env-file', file]),
  ];
  const ask = async (...args: readonly string[]): Promise<string> => {
    const { stdout } = await run(program, [...options, 'config', ...args], {
      cwd: `${root}/${folder}`,
      env: { PATH: process.env['PATH'], HOME: '/nonexistent', ...environment },
    });
    return stdout;
  };
  try {
    const { name, services } = JSON.parse(await ask('--format', 'json')) as {
      name: string;
      services: Record<string, ComposeService>;
    };
    // Only this has the names of what is built; the others are the same in both.
    const hasBuilt = Object.values(services).some(({ image = '' }) => image === '');
    const listed = new Set(hasBuilt ? (await ask('--images')).split('\n') : []);
    const built = (service: string): string =>
      [`${name}-${service}`, `${name}_${service}`].find((candidate) => listed.has(candidate)) ?? '';
    const found = Object.entries(services).flatMap(([service, { image, platform, volumes = [] }]) => [
      `${image === undefined || image === '' ? built(service) : image}${showPlatform(platform)}`,
      ...volumes.flatMap(({ type, source = '' }) => (type === 'image' ? [source] : [])),
    ]);
    return { images: [...new Set(found)].sort() };
  } catch (error) {
    const { stderr } = error as { readonly stderr?: string };
    if (stderr === undefined || findErrno(error) === 'ENOENT') throw error;
    return { error: stderr.trim() };
  }
}

/** ` linux/arm64`, or nothing. */
export function showPlatform(platform: string | undefined): string {
  return platform ? ` ${formatPlatform(parsePlatform(platform, process.arch))}` : '';
}
