/** Compose projects made by hand of what random ones seldom have, and what bundlefs makes of them on purpose. */
import type { ComposeProject } from './compose-peer.ts';

/** Without any of these, both versions of docker compose and bundlefs give the same images, or all of them an error. */
export interface CornerProject extends ComposeProject {
  /** Version 2.26 answers otherwise than 2.40, or refuses; bundlefs goes by 2.40. */
  readonly isSince240?: boolean;
  /** What bundlefs answers where 2.40 refuses, or names what `up` does not need. */
  readonly ours?: readonly string[];
  /** What bundlefs says where 2.40 gives an answer. */
  readonly refused?: RegExp;
}

const image = (name: string): string => `services: { a: { image: '${name}' } }`;
const mainNames = ['compose.yaml', 'compose.yml', 'docker-compose.yml', 'docker-compose.yaml'];
const overrideNames = [
  'compose.override.yml',
  'compose.override.yaml',
  'docker-compose.override.yml',
  'docker-compose.override.yaml',
];

/** A folder with several files of default names: which are taken depends on which others are there. */
const nameProjects: readonly CornerProject[] = [
  ...mainNames.map((_, index) => ({
    title: `main files from ${mainNames[index] ?? ''}`,
    files: Object.fromEntries(mainNames.slice(index).map((name) => [name, image(name)])),
  })),
  ...overrideNames.map((_, index) => ({
    title: `override files from ${overrideNames[index] ?? ''}`,
    files: {
      'compose.yaml': image('main'),
      ...Object.fromEntries(overrideNames.slice(index).map((name) => [name, image(name)])),
    },
  })),
  ...mainNames
    .flatMap((main) =>
      overrideNames.map((override) => ({
        title: `${main} with ${override}`,
        files: { [main]: image('main'), [override]: image('override') },
      })),
    )
    .filter((_, index) => index % 3 === 0),
  { title: 'a folder by the name of a file', files: { 'compose.yaml/x': '', 'compose.yml': image('a') } },
  { title: 'an override file alone', files: { 'compose.override.yaml': image('a') } },
  {
    title: 'a main file in the folder above',
    files: { 'compose.yaml': 'services: { a: { build: . } }', 'sub/x': '' },
    folder: 'sub',
  },
  {
    title: 'an override file below the main file',
    files: { 'compose.yaml': image('a'), 'sub/compose.override.yaml': image('b') },
    folder: 'sub',
  },
  {
    title: 'variables of the folder before those above',
    files: { 'compose.yaml': image('a:${T}-${U}'), '.env': 'T=top\nU=top', 'sub/.env': 'T=sub' },
    folder: 'sub',
    isSince240: true,
  },
];

const variableProjects: readonly CornerProject[] = [
  {
    title: 'COMPOSE_FILE of the environment',
    files: { 'compose.yaml': image('a'), 'b.yml': image('b'), 'c.yml': 'services: { c: { image: c } }' },
    environment: { COMPOSE_FILE: 'b.yml:c.yml' },
  },
  {
    title: 'COMPOSE_FILE of .env, with another separator',
    files: {
      'compose.yaml': image('a'),
      'b.yml': 'services: { b: { image: b } }',
      '.env': 'COMPOSE_FILE=compose.yaml;b.yml\nCOMPOSE_PATH_SEPARATOR=;',
    },
  },
  {
    title: 'COMPOSE_FILE elsewhere, with variables of both places',
    files: {
      'sub/c.yml': 'services: { a: { image: "a:${T}-${U}" }, b: { build: . } }',
      'sub/.env': 'T=sub\nU=sub',
      '.env': 'COMPOSE_FILE=sub/c.yml\nT=top',
    },
  },
  {
    title: 'COMPOSE_FILE that is empty',
    files: { 'compose.yaml': image('a') },
    environment: { COMPOSE_FILE: '' },
  },
  {
    title: 'COMPOSE_FILE beside files that are named',
    files: { 'b.yml': image('b'), '.env': 'COMPOSE_FILE=c.yml' },
    compose: ['b.yml'],
  },
  {
    title: 'COMPOSE_ENV_FILES',
    files: {
      'compose.yaml': image('a:${T}-${U}'),
      'x/one.env': 'T=1\nU=1',
      'two.env': 'U=${U}2',
      '.env': 'T=dot',
    },
    environment: { COMPOSE_ENV_FILES: 'x/one.env,two.env' },
  },
  {
    title: 'COMPOSE_ENV_FILES beside --env-file',
    files: { 'compose.yaml': image('a:${T}'), 'one.env': 'T=1', 'two.env': 'T=2' },
    environment: { COMPOSE_ENV_FILES: 'one.env' },
    envFile: ['two.env'],
  },
  {
    title: 'COMPOSE_DISABLE_ENV_FILE',
    files: { 'compose.yaml': image('a:${T-none}'), '.env': 'T=dot' },
    environment: { COMPOSE_DISABLE_ENV_FILE: 'true' },
  },
  {
    title: 'COMPOSE_PROFILES of .env',
    files: {
      'compose.yaml': 'services: { a: { image: a, profiles: [p] }, b: { image: b, profiles: [q] } }',
      '.env': 'COMPOSE_PROFILES=p',
    },
  },
  {
    title: 'COMPOSE_COMPATIBILITY of .env',
    files: { 'compose.yaml': 'services: { a: { build: . } }', '.env': 'COMPOSE_COMPATIBILITY=1' },
  },
  ...[
    ['of the folder', '', ''],
    ['of the file', 'name: Fixed.Name', ''],
    ['of the file, of several', 'name: one\n---\nname: two', ''],
    ['of the environment before the file', 'name: fixed', 'mine'],
    ['that is empty', 'name: "${NONE}"', ''],
    ['that no project can have', '', 'My Shop'],
    ['in variables', 'name: "x${T}"', ''],
  ].map(([title = '', name = '', variable = '']): CornerProject => ({
    title: `COMPOSE_PROJECT_NAME in images: ${title}`,
    files: {
      'compose.yaml': `services: { a: { image: "a:\${COMPOSE_PROJECT_NAME}" }, b: { build: . } }\n${name}`,
      '.env': 'T=1',
    },
    environment: variable === '' ? {} : { COMPOSE_PROJECT_NAME: variable },
  })),
];

const includeProjects: readonly CornerProject[] = [
  {
    title: 'include: each path of a list is beside the including file',
    files: {
      'compose.yaml': 'include: [{ path: [sub/i.yml, over.yml] }]',
      'sub/i.yml': image('first'),
      'over.yml': image('right'),
      'sub/over.yml': image('wrong'),
    },
  },
  {
    title: 'include: project_directory does not move paths of the list',
    files: {
      'compose.yaml': 'include: [{ path: [sub/i.yml, over.yml], project_directory: other }]',
      'sub/i.yml': 'services: { a: { extends: { file: e.yml, service: e } } }',
      'over.yml': 'services: { b: { image: right } }',
      'other/over.yml': 'services: { b: { image: wrong } }',
      'other/e.yml': 'services: { e: { image: "e:${T}" } }',
      'sub/e.yml': 'services: { e: { image: wrong } }',
      'other/.env': 'T=other',
      'sub/.env': 'T=sub',
    },
  },
  {
    title: 'include: env_file is beside the including file, and takes the place of .env',
    files: {
      'compose.yaml':
        'include: [{ path: sub/i.yml, env_file: [one.env, conf/two.env] }]\nservices: { b: { image: "b:${T}" } }',
      'sub/i.yml': image('a:${T}-${U}-${V-none}'),
      'one.env': 'T=1\nU=1',
      'conf/two.env': 'U=2',
      'sub/.env': 'V=dot',
      '.env': 'T=top',
    },
  },
  {
    title: 'include: variables of .env above go before those beside',
    files: {
      'compose.yaml': 'include: [sub/i.yml]',
      'sub/i.yml': image('a:${T}-${U}'),
      'sub/.env': 'T=sub\nU=${T}sub',
      '.env': 'T=top',
    },
  },
  {
    title: 'include: nested, each from its own folder',
    files: {
      'compose.yaml': 'include: [x/i.yml]\nservices: { a: { image: "a:${T-1}" } }',
      'x/i.yml': 'include: [y/i.yml]\nservices: { b: { image: "b:${T}" } }',
      'x/y/i.yml': 'include: [{ path: [z.yml, o.yml] }]\nservices: { c: { image: "c:${T}${U}" } }',
      'x/y/z.yml': 'services: { d: { image: "d:${U}" } }',
      'x/y/o.yml': 'services: { d: { profiles: [p] } }',
      'x/.env': 'T=x',
      'x/y/.env': 'T=y\nU=y',
    },
    profile: ['p'],
  },
  {
    title: 'include: nested, with folders and variables of their own',
    files: {
      'compose.yaml': 'include: [x/i.yml]',
      'x/i.yml': 'include: [{ path: y/j.yml, env_file: own.env }, { path: y/k.yml, project_directory: z }]',
      'x/y/j.yml': 'services: { a: { image: "a:${T}" } }',
      'x/y/k.yml': 'services: { b: { extends: { file: e.yml, service: e } } }',
      'x/own.env': 'T=right',
      'own.env': 'T=wrong',
      'x/z/e.yml': 'services: { e: { image: right } }',
      'x/y/e.yml': 'services: { e: { image: wrong } }',
    },
  },
  {
    // Compose looks for two.env in the folder that it was called in.
    title: 'include: nested twice, with variables of the project that includes',
    files: {
      'compose.yaml': 'include: [x/i.yml]',
      'x/i.yml': 'include: [y/j.yml]',
      'x/y/j.yml': 'include: [{ path: k.yml, env_file: two.env }]',
      'x/y/k.yml': image('a:${T}'),
      'x/y/two.env': 'T=right',
    },
    ours: ['a:right'],
  },
  {
    title: 'include: a file that is not there',
    files: { 'compose.yaml': 'include: [sub/i.yml]', 'i.yml': image('a') },
  },
  { title: 'include: a folder', files: { 'compose.yaml': 'include: [sub]', 'sub/compose.yaml': image('a') } },
  { title: 'include: text for a list', files: { 'compose.yaml': 'include: i.yml', 'i.yml': image('a') } },
  {
    title: 'include: a file of variables that is not there',
    files: { 'compose.yaml': 'include: [{ path: i.yml, env_file: no.env }]', 'i.yml': image('a') },
  },
  {
    title: 'include: another service of that name',
    files: { 'compose.yaml': `include: [i.yml]\n${image('a')}`, 'i.yml': image('b') },
  },
  {
    title: 'include: two files with another service of one name',
    files: { 'compose.yaml': 'include: [i.yml, j.yml]', 'i.yml': image('a'), 'j.yml': image('b') },
  },
  {
    title: 'include: the same service here and there',
    files: { 'compose.yaml': `include: [i.yml]\n${image('a')}`, 'i.yml': image('a') },
  },
  {
    title: 'include: one file by two ways',
    files: {
      'compose.yaml': 'include: [i.yml, j.yml]',
      'i.yml': 'include: [k.yml]',
      'j.yml': 'include: [k.yml]',
      'k.yml': image('a'),
    },
  },
  {
    title: 'include: changed by an override file',
    files: { 'compose.yaml': 'include: [i.yml]', 'compose.override.yaml': image('b'), 'i.yml': image('a') },
  },
  {
    title: 'include: changed by a second document',
    files: { 'compose.yaml': `include: [i.yml]\n---\n${image('b')}`, 'i.yml': image('a') },
  },
  {
    title: 'include: in an override file',
    files: {
      'a.yml': image('a'),
      'x/b.yml': 'include: [i.yml]',
      'i.yml': 'services: { i: { image: right } }',
      'x/i.yml': 'services: { i: { image: wrong } }',
    },
    compose: ['a.yml', 'x/b.yml'],
  },
  {
    title: 'include: a service that one here extends',
    files: { 'compose.yaml': 'include: [i.yml]\nservices: { b: { extends: a } }', 'i.yml': image('a') },
  },
  {
    title: 'include: a service that one here depends on',
    files: {
      'compose.yaml': 'include: [i.yml]\nservices: { b: { image: b, depends_on: [a] } }',
      'i.yml': image('a'),
    },
  },
  {
    title: 'include: variables in paths, and a name that does not count',
    files: {
      'compose.yaml': 'include: ["${WHICH}/i.yml"]\nservices: { b: { build: . } }',
      'sub/i.yml': 'name: other\nservices: { a: { build: . } }',
      '.env': 'WHICH=sub',
    },
  },
  {
    title: 'include: a circle',
    files: {
      'compose.yaml': 'include: [i.yml]',
      'i.yml': 'include: [compose.yaml]\nservices: { a: { image: a } }',
    },
  },
  { title: 'include: nothing', files: { 'compose.yaml': `include:\n${image('a')}` } },
];

const extendsProjects: readonly CornerProject[] = [
  {
    title: 'extends: files one after the other, each from its own folder',
    files: {
      'compose.yaml': 'services: { a: { extends: { file: x/e.yml, service: e } } }',
      'x/e.yml': 'services: { e: { extends: { file: y/f.yml, service: f }, platform: arm64 } }',
      'x/y/f.yml': 'services: { f: { extends: g, profiles: [p] }, g: { image: "g:${T}", build: . } }',
      '.env': 'T=top',
      'x/.env': 'T=x',
    },
    profile: ['p'],
  },
  {
    title: 'extends: from a second file of a list, beside the first',
    files: {
      'a.yml': image('a'),
      'x/b.yml': 'services: { b: { extends: { file: e.yml, service: e } } }',
      'e.yml': 'services: { e: { image: right } }',
      'x/e.yml': 'services: { e: { image: wrong } }',
    },
    compose: ['a.yml', 'x/b.yml'],
  },
  {
    title: 'extends: a service of another file of the list',
    files: { 'a.yml': image('a'), 'b.yml': 'services: { b: { extends: a } }' },
    compose: ['a.yml', 'b.yml'],
  },
  {
    title: 'extends: a service of another document',
    files: { 'compose.yaml': `${image('a')}\n---\nservices: { b: { extends: a } }` },
  },
  {
    title: 'extends: without what it resets',
    files: {
      'compose.yaml':
        'services: { a: { image: a, platform: arm64, volumes: [{ type: image, source: v, target: /v }] }, b: { extends: a, platform: !reset null, image: b, volumes: !reset [] }, c: { extends: a, build: ., image: !reset null } }',
    },
  },
  {
    title: 'extends: dependencies and profiles come with it',
    files: {
      'compose.yaml':
        'services: { a: { image: a, depends_on: [d], profiles: [p] }, b: { extends: a, profiles: [q] }, d: { image: d, profiles: [p, q] } }',
    },
    profile: ['q'],
  },
  {
    title: 'extends: the file itself',
    files: {
      'compose.yaml': 'services: { a: { extends: { file: compose.yaml, service: b } }, b: { image: b } }',
    },
  },
  {
    title: 'extends: a circle',
    files: { 'compose.yaml': 'services: { a: { extends: b }, b: { extends: a } }' },
  },
  { title: 'extends: nobody', files: { 'compose.yaml': 'services: { a: { image: a, extends: b } }' } },
  {
    title: 'extends: a file that is not there',
    files: { 'compose.yaml': 'services: { a: { image: a, extends: { file: e.yml, service: b } } }' },
  },
];

const mergeProjects: readonly CornerProject[] = [
  ...[
    ['text', 'image: b'],
    ['nothing', 'image:'],
    ['an empty text', 'image: ""'],
    ['an empty variable', 'image: "${NONE}"'],
    ['a reset', 'image: !reset null'],
    ['a reset of build', 'build: !reset null'],
    ['a service in its place', 'image: b'],
    ['a number', 'image: 1.10'],
    ['build for build', 'build: { context: ./b }'],
    ['no build', 'build:'],
  ].map(([title = '', change = '']) => ({
    title: `override: ${title} over image and build`,
    files: {
      'compose.yaml': 'services: { a: { image: a, build: . }, b: { image: c, build: . } }',
      'compose.override.yaml': `services:\n  a: ${title.includes('place') ? '!override' : ''}\n    ${change}`,
    },
  })),
  {
    title: 'override: a service that is reset, and one that comes back',
    files: {
      'a.yml': 'services: { a: { image: a }, b: { image: b, profiles: [p] } }',
      'b.yml': 'services: { a: !reset null, b: !reset null }',
      'c.yml': 'services: { b: { image: new } }',
    },
    compose: ['a.yml', 'b.yml', 'c.yml'],
  },
  {
    title: 'override: all services',
    files: { 'a.yml': image('a'), 'b.yml': 'services: !override { b: { image: b } }' },
    compose: ['a.yml', 'b.yml'],
  },
  {
    title: 'override: a dependency that may be missing stays one',
    files: {
      'a.yml':
        'services: { a: { image: a, depends_on: { b: { condition: service_started, required: false } } }, b: { image: b, profiles: [p] } }',
      'b.yml': 'services: { a: { depends_on: { b: { condition: service_healthy } } } }',
    },
    compose: ['a.yml', 'b.yml'],
  },
  {
    title: 'override: one dependency reset, and a namespace',
    files: {
      'a.yml':
        'services: { a: { image: a, depends_on: { b: { condition: service_started } }, network_mode: "service:b" }, b: { image: b, profiles: [p] } }',
      'b.yml': 'services: { a: { depends_on: { b: !reset null }, network_mode: host } }',
    },
    compose: ['a.yml', 'b.yml'],
  },
  {
    title: 'override: profiles joined and replaced',
    files: {
      'a.yml':
        'services: { a: { image: a, profiles: [p] }, b: { image: b, profiles: [p] }, c: { image: c, profiles: [p] } }',
      'b.yml':
        'services: { a: { profiles: [q] }, b: { profiles: !override [r] }, c: { profiles: !reset [] } }',
    },
    compose: ['a.yml', 'b.yml'],
    profile: ['q'],
  },
  {
    title: 'override: a mapping for a list',
    files: {
      'a.yml': 'services: { a: { image: a, profiles: [p] } }',
      'b.yml': 'services: { a: { profiles: { q: 1 } } }',
    },
    compose: ['a.yml', 'b.yml'],
  },
  {
    title: 'merge keys: of several anchors, and nested',
    files: {
      'compose.yaml': `
x-one: &one { image: one, platform: arm64 }
x-two: &two { image: two, profiles: [p] }
x-three: &three { <<: *two, build: . }
services:
  a: { <<: [*one, *two] }
  b: { image: own, <<: *one }
  c: { <<: *three, profiles: [] }
  d: *one`,
    },
    profile: ['p'],
  },
  {
    title: 'a reset within an anchor, and one that is an alias',
    files: {
      'a.yml':
        'services: { a: { image: a, build: ., platform: arm64 }, b: { image: b, build: ., platform: arm64 } }',
      'b.yml': `
x-none: &none !reset null
x-base: &base { build: . }
services:
  a: { <<: *base, image: !reset null }
  b: { platform: amd64, image: b }`,
    },
    compose: ['a.yml', 'b.yml'],
  },
  {
    title: 'an anchor of another document',
    files: { 'compose.yaml': 'x-a: &a { image: a }\n---\nservices: { b: *a }' },
    refused: /Unresolved alias/,
  },
  { title: 'a key twice', files: { 'compose.yaml': 'services: { a: { image: a }, a: { image: b } }' } },
  {
    title: 'several documents, with an empty one',
    files: { 'compose.yaml': `${image('a')}\n---\n---\nservices: { a: { image: !reset null, build: . } }` },
    ours: ['shop-a'],
  },
  {
    title: 'a service of a dotted name',
    files: {
      'compose.yaml': 'services: { a.b: { image: a }, c: { extends: a.b } }',
      'compose.override.yaml': 'services: { a.b: { image: !reset null, build: . } }',
    },
  },
];

const imageProjects: readonly CornerProject[] = [
  {
    title: 'volumes: of images, in long form, replaced by their place',
    files: {
      'a.yml': `
services:
  a:
    image: a
    volumes:
      - { type: image, source: "v:\${T:-1}", target: /v }
      - { type: image, source: w, target: /w }
      - { type: image, source: x, target: /x, image: { subpath: y } }
      - ./here:/here`,
      'b.yml': 'services: { a: { volumes: ["./w:/w:ro", { type: image, source: h, target: /here }] } }',
    },
    isSince240: true,
    compose: ['a.yml', 'b.yml'],
  },
  {
    title: 'volumes: two at one place of one file',
    files: {
      'compose.yaml':
        'services: { a: { image: a, volumes: [{ type: image, source: v, target: /v }, "./x:/v"] } }',
    },
  },
  {
    title: 'volumes: of a service that is not active',
    files: {
      'compose.yaml':
        'services: { a: { image: a }, b: { image: b, profiles: [p], volumes: [{ type: image, source: v, target: /v }] } }',
    },
  },
  {
    title: 'volumes: of what a service builds',
    files: {
      'compose.yaml':
        'services: { a: { image: a, volumes: [{ type: image, source: b, target: /v }] }, b: { build: . } }',
    },
    ours: ['a', 'shop-b'],
  },
  {
    title: 'volumes: of an image that nothing names',
    files: { 'compose.yaml': 'services: { a: { image: a, volumes: [{ type: image, target: /v }] } }' },
    refused: /its source does not say which/,
  },
  {
    title: 'a provider in place of an image',
    files: {
      'compose.yaml':
        'services: { a: { provider: { type: x } }, b: { image: b }, c: { image: c, provider: { type: x } } }',
    },
    isSince240: true,
    ours: ['b'],
  },
  {
    title: 'models are no images',
    files: { 'compose.yaml': 'models: { m: { model: ai/m } }\nservices: { a: { image: a, models: [m] } }' },
    isSince240: true,
  },
  {
    title: 'hooks run in the container',
    files: {
      'compose.yaml':
        'services: { a: { image: a, post_start: [{ command: x, user: root }], pre_stop: [{ command: y }] } }',
    },
  },
  {
    title: 'hooks of Compose 5 have images of their own',
    files: {
      'compose.yaml':
        'services: { a: { image: a, pre_start: [{ command: x, image: "h:${T:-1}" }, { command: y }] } }',
    },
    ours: ['a', 'h:1'],
  },
  {
    title: 'develop, configs and builds name images that up does not need',
    files: {
      'compose.yaml': `
configs: { c: { content: x } }
services:
  a:
    image: a
    configs: [c]
    develop: { watch: [{ action: rebuild, path: . }] }
    build: { context: ., cache_from: [cached:1], tags: [tagged:1], additional_contexts: { base: docker-image://base:1 } }`,
    },
  },
  {
    title: 'an image of two platforms, and words for one',
    files: {
      'compose.yaml': `
services:
  a: { image: i, platform: linux/arm64 }
  b: { image: i, platform: linux/aarch64 }
  c: { image: i, platform: arm64 }
  d: { image: i, platform: linux/arm64/v8 }
  e: { image: i, platform: linux/x86_64 }
  f: { image: i }
  g: { image: i, platform: armhf }
  h: { image: i, platform: "" }
  i: { image: i, platform: "\${NONE:-linux/arm/v7}" }`,
    },
  },
  {
    title: 'pull policies and replicas do not matter',
    files: {
      'compose.yaml':
        'services: { a: { image: a, pull_policy: never }, b: { image: b, scale: 0 }, c: { build: ., pull_policy: build }, d: { image: d, deploy: { replicas: 0 } } }',
    },
  },
  ...[
    ['an empty text', 'build: ""'],
    ['an empty mapping', 'build: {}'],
    ['an empty variable', 'build: "${NONE}"'],
    ['nothing', 'build:'],
    ['no image', 'image:'],
    ['neither', 'ports: ["80"]'],
    ['an image that is a word', 'image: yes'],
  ].map(([title = '', text = '']) => ({
    title: `a service with ${title}`,
    files: { 'compose.yaml': `services:\n  a:\n    ${text}\n` },
  })),
];

/** What docker compose has against a project that does not change which images it needs: docs/decisions/0104. */
const lenientProjects: readonly CornerProject[] = [
  {
    title: 'lenient: a dependency that is not active is bundled, too',
    files: {
      'compose.yaml': 'services: { a: { image: a, depends_on: [b] }, b: { image: b, profiles: [p] } }',
    },
    ours: ['a', 'b'],
  },
  {
    title: 'lenient: variables that only containers need',
    files: {
      'compose.yaml':
        'services: { a: { image: a, environment: { X: "${NONE:?}" }, volumes: ["${NONE:?}:/x", { type: bind, source: "${NONE:?}", target: /y }] } }',
    },
    ours: ['a'],
  },
  {
    title: 'lenient: keys that Compose does not know',
    files: { 'compose.yaml': 'future: 1\nservices: { a: { image: a, future: 1 } }' },
    ours: ['a'],
  },
  {
    title: 'lenient: networks, volumes and secrets that are not there',
    files: {
      'compose.yaml': 'services: { a: { image: a, networks: [n], volumes: ["v:/v"], secrets: [s] } }',
    },
    ours: ['a'],
  },
  {
    title: 'lenient: dependencies in a circle',
    files: {
      'compose.yaml': 'services: { a: { image: a, depends_on: [b] }, b: { image: b, depends_on: [a] } }',
    },
    ours: ['a', 'b'],
  },
  {
    title: 'lenient: names of services',
    files: { 'compose.yaml': 'services: { "a b": { image: a }, 1: { image: b } }' },
    ours: ['a', 'b'],
  },
  {
    title: 'strict: no service is active',
    files: { 'compose.yaml': 'services: { a: { image: a, profiles: [p] } }' },
    refused: /none of its services is active/,
  },
  {
    title: 'strict: an image that no registry can have',
    files: { 'compose.yaml': 'services: { a: { image: "a:${NONE}" } }' },
    refused: /"" is not a tag/,
  },
];

export const cornerProjects: readonly CornerProject[] = [
  ...nameProjects,
  ...variableProjects,
  ...includeProjects,
  ...extendsProjects,
  ...mergeProjects,
  ...imageProjects,
  ...lenientProjects,
];
