/** Compose projects and bundlefs.yaml: what people write to choose images. */
import { mkdirSync } from 'node:fs';
import { baseArchive } from '../base-images.ts';
import { type FuzzCase, type Kind } from '../fuzz-case.ts';
import { mutateOften } from '../mutate/bytes.ts';
import { textMutations } from '../mutate/text.ts';

const compose = `name: shop
x-common: &common
  image: fuzz/\${NAME:-web}:\${TAG}
services:
  web:
    <<: *common
    profiles: [front, "back"]
    depends_on:
      worker: { condition: service_started }
  worker:
    extends:
      file: other.yml
      service: base
    volumes:
      - type: image
        source: fuzz/web:latest
        target: /data
  odd:
    image: tiny/odd:1
    pull_policy: never
    build: { context: ., dockerfile_inline: "FROM fuzz/web:1" }
    deploy: { replicas: 0 }
include:
  - path: [extra.yml]
    env_file: .env
`;

const other = 'services:\n  base:\n    image: "fuzz/worker:${WORKER-1}"\n    platform: linux/amd64\n';
const environment = 'TAG=1\nNAME=\'web\'\n# a comment\nWORKER="${TAG}"\n';

const composeWords = [
  ...[
    'services',
    'image',
    'extends',
    'include',
    'profiles',
    'env_file',
    'path',
    'project_directory',
    'build',
    'platform',
  ],
  ...[
    'compose.yml',
    'other.yml',
    'extra.yml',
    '.env',
    '..',
    '/dev/zero',
    'fuzz/web:1',
    'fuzz/web',
    'tiny/odd@sha256:1',
    '!reset',
    '!override null',
  ],
];

export const composeKind: Kind = {
  name: 'compose',
  about: 'Compose projects: the file, one that it extends, one that it includes, .env',
  async run(fuzz) {
    const { random, changes } = fuzz;
    const ways = textMutations(composeWords);
    const files = new Map([
      ['compose.yml', compose],
      ['other.yml', other],
      ['extra.yml', 'services:\n  extra:\n    image: fuzz/web:latest\n'],
      ['.env', environment],
    ]);
    const chosen = random.pick([
      'compose.yml',
      'compose.yml',
      'compose.yml',
      'other.yml',
      'extra.yml',
      '.env',
    ]);
    for (const [name, text] of files) {
      const bytes = Buffer.from(text);
      fuzz.write(`in/${name}`, name === chosen ? mutateOften(random, bytes, ways, changes) : bytes);
    }
    const args = [
      '--compose',
      fuzz.sandbox.at('in/compose.yml'),
      ...(random.below(2) === 0 ? ['--profile', '*'] : []),
    ];
    await buildSelection(fuzz, args);
  },
};

const project = `images:
  - fuzz/web:1
  - "fuzz/w*:*"
  - image: tiny/odd:1
    platform: linux/amd64
preset: 0
check: crc64
stick:
  maxFileSize: 4G
tagAs:
  fuzz/*: customer/*
gc:
  maxSize: 20G
  keepLast: 5
  olderThan: 30d
transforms:
  - squash: fuzz/web:*
`;

const projectWords = [
  ...[
    'images',
    'compose',
    'from',
    'preset',
    'check',
    'tagAs',
    'stick',
    'media',
    'gc',
    'auto',
    'maxSize',
    'transforms',
    'squash',
    'thin',
  ],
  ...[
    'fast',
    'sha256',
    '9e',
    '-1',
    '1e99',
    '20GB',
    'fat32',
    'fuzz/web:1',
    '*',
    'fuzz/*=x/*',
    '/dev/zero',
    'recipe:x',
    'oci:.',
  ],
];

export const projectKind: Kind = {
  name: 'project',
  about: 'bundlefs.yaml, and lists of images',
  async run(fuzz) {
    const { random, changes, sandbox } = fuzz;
    mkdirSync(sandbox.at('in/project'));
    if (random.below(4) === 0) {
      const list = Buffer.from(
        '# a list\nfuzz/web:1\nfuzz/worker:1 # with a comment\n\ntiny/*\nfuzz/web@sha256:0000\n',
      );
      const path = fuzz.write(
        'in/project/images.txt',
        mutateOften(random, list, textMutations(projectWords), changes),
      );
      await buildSelection(fuzz, ['--images-file', path]);
      return;
    }
    const bytes = mutateOften(random, Buffer.from(project), textMutations(projectWords), changes);
    const path = fuzz.write('in/project/bundlefs.yaml', bytes);
    await buildSelection(fuzz, ['--config', path]);
    await fuzz.run(['cache', 'gc', '--dry-run', '--config', path], selectionCodes);
  },
};

const selectionCodes =
  /^selection-invalid$|^invalid-(?:reference|argument)$|^image-not-found$|^archive-(?:unsupported|not-found)$|^cache-failed$|^source-(?:unreachable|failed)$/;

async function buildSelection(fuzz: FuzzCase, args: readonly string[]): Promise<void> {
  const from = fuzz.write('in/images.tar', await baseArchive('legacy'));
  await fuzz.build('out.tar.xz', [...args, '--from', from], selectionCodes);
}
