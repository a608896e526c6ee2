/** Compares with the real docker compose, whichever of its versions the system has. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { beforeAll, describe, expect, it } from 'vitest';
import { setScene } from '../support.ts';

const run = promisify(execFile);
/** Version 1 has no `config --images`, and names what it builds with a _. */
let isOld = false;

beforeAll(async () => {
  const { stdout } = await run('docker-compose', ['version', '--short']);
  isOld = stdout.trim().startsWith('1.');
}, 120_000);

interface Case {
  readonly title: string;
  readonly files: Readonly<Record<string, string>>;
  readonly compose: readonly string[];
  readonly profile?: readonly string[];
  readonly envFile?: readonly string[];
  readonly environment?: Record<string, string>;
}

/** The images that docker-compose finds in the files. */
async function realImages(folder: string, scenario: Case): Promise<string[]> {
  const { compose, profile = [], envFile = [], environment = {} } = scenario;
  const args = [
    ...compose.flatMap((file) => ['-f', file]),
    ...profile.flatMap((name) => ['--profile', name]),
    ...envFile.flatMap((file) => ['--env-file', file]),
    'config',
    ...(isOld ? [] : ['--images']),
  ];
  const { stdout } = await run('docker-compose', args, {
    cwd: folder,
    env: { PATH: process.env['PATH'], ...environment },
  });
  if (!isOld) return stdout.trim().split('\n').sort();
  const config = parse(stdout) as { services: Record<string, { image?: string; profiles?: string[] }> };
  // Version 1 prints services of all profiles, with these.
  const active = profile.length > 0 ? profile : (environment['COMPOSE_PROFILES'] ?? '').split(',');
  return Object.entries(config.services)
    .filter(
      ([, { profiles = [] }]) => profiles.length === 0 || profiles.some((name) => active.includes(name)),
    )
    .map(([name, { image }]) => image ?? `${environment['COMPOSE_PROJECT_NAME'] ?? 'shop'}-${name}`)
    .sort();
}

const cases: readonly Case[] = [
  {
    title: 'variables in all of their forms',
    files: {
      'c.yml': `
version: '3.9'
services:
  a: { image: "a:\${ONE}" }
  b: { image: "b:$TWO" }
  c: { image: "c:\${NONE:-three}" }
  d: { image: "d:\${EMPTY:-four}" }
  e: { image: "e\${EMPTY-five}" }
  f: { image: "f:\${ONE:?needed}" }
  g: { image: "g\${EMPTY?needed}" }
  h: { image: "h:\${NONE-six}" }`,
      '.env': 'ONE=1\nTWO="2"\nEMPTY=\n# comment\nexport THREE=3',
    },
    compose: ['c.yml'],
    environment: { TWO: 'environment' },
  },
  {
    title: 'several files',
    files: {
      'api/Dockerfile': '',
      'db/Dockerfile': '',
      'a.yml':
        "version: '3.9'\nservices: { web: { image: web:1 }, api: { build: ./api }, db: { build: ./db, image: db:1 } }",
      'b.yml':
        "version: '3.9'\nservices: { web: { image: web:2 }, api: { image: api:2 }, new: { image: new:1 } }",
    },
    compose: ['a.yml', 'b.yml'],
  },
  {
    title: 'profiles',
    files: {
      'c.yml':
        "version: '3.9'\nservices: { web: { image: web:1 }, a: { image: a:1, profiles: [a, x] }, b: { image: b:1, profiles: [b] }, c: { image: c:1, profiles: [c] } }",
    },
    compose: ['c.yml'],
    profile: ['x', 'c'],
  },
  {
    title: 'COMPOSE_PROFILES',
    files: {
      'c.yml':
        "version: '3.9'\nservices: { web: { image: web:1 }, a: { image: a:1, profiles: [a] }, b: { image: b:1, profiles: [b] } }",
    },
    compose: ['c.yml'],
    environment: { COMPOSE_PROFILES: 'b' },
  },
  {
    title: 'extends, anchors and merge keys',
    files: {
      'c.yml': `
version: '3.9'
x-base: &base { image: "base:\${TAG-1}" }
services:
  web: { <<: *base }
  worker: { <<: *base, image: 'worker:1' }
  child: { extends: { service: web } }
  far: { extends: { file: sub/far.yml, service: near } }`,
      'sub/far.yml': "version: '3.9'\nservices: { near: { image: 'near:1' } }",
    },
    compose: ['c.yml'],
  },
  {
    title: 'services that are only built, and a named project',
    files: {
      'api/Dockerfile': '',
      'c.yml':
        "version: '3.9'\nservices: { web: { build: . }, api: { build: { context: ./api } }, db: { image: db:1 } }",
    },
    compose: ['c.yml'],
    environment: { COMPOSE_PROJECT_NAME: 'mine' },
  },
  {
    title: 'another file of variables',
    files: {
      'c.yml': "version: '3.9'\nservices: { web: { image: 'web:${TAG}' } }",
      '.env': 'TAG=dot',
      'prod.env': 'TAG=prod',
    },
    compose: ['c.yml'],
    envFile: ['prod.env'],
  },
];

describe('images of Compose files are those of docker-compose config', () => {
  it.each(cases)('$title', { timeout: 120_000 }, async (scenario) => {
    const { files, compose, profile, envFile, environment } = scenario;
    const scene = await setScene(files);
    const ours = await scene.names(
      { compose, ...(profile && { profile }), ...(envFile && { envFile }) },
      environment,
    );
    const expected = await realImages(scene.folder, scenario);
    expect([...new Set(ours)].sort()).toEqual([...new Set(expected)]);
  });
});
