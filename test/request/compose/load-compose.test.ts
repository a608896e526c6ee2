import { describe, expect, it } from 'vitest';
import { parseYaml } from '../../../src/request/yaml-document.ts';
import { setScene } from '../support.ts';

/** The images of one Compose file, with these profiles and variables. */
async function imagesOf(
  text: string,
  {
    profile,
    env = {},
    files = {},
  }: { profile?: string[]; env?: Record<string, string>; files?: Record<string, string> } = {},
): Promise<string[]> {
  const scene = await setScene({ 'docker-compose.yml': text, ...files });
  return scene.names({ compose: ['docker-compose.yml'], ...(profile && { profile }) }, env);
}

describe('images of Compose files', () => {
  it('come each once, with variables of the environment before those of .env', async () => {
    const text = `
services:
  web: { image: "\${REGISTRY:-docker.io}/shop/web:\${TAG:?no tag}" }
  worker: { image: "\${REGISTRY:-docker.io}/shop/web:\${TAG}" }
  db: { image: 'postgres:15' }`;
    const files = { '.env': 'TAG=1\nREGISTRY=registry.example' };
    expect(await imagesOf(text, { files })).toEqual(['postgres:15', 'registry.example/shop/web:1']);
    expect(await imagesOf(text, { files, env: { TAG: '2' } })).toEqual([
      'postgres:15',
      'registry.example/shop/web:2',
    ]);
    await expect(imagesOf(text)).rejects.toMatchObject({
      code: 'selection-invalid',
      message: expect.stringMatching(
        /line 3, column 17: "services.web.image": the variable TAG is needed and not set: no tag/,
      ) as string,
    });
  });

  it('take --env-file in place of .env, later ones before earlier ones', async () => {
    const scene = await setScene({
      'c.yml': 'services: { web: { image: "a:${TAG}-${OTHER-none}" } }',
      '.env': 'TAG=dot\nOTHER=dot',
      'one.env': 'TAG=one',
      'two.env': 'TAG=${TAG}two',
    });
    expect(await scene.names({ compose: ['c.yml'], envFile: ['one.env', 'two.env'] })).toEqual([
      'a:onetwo-none',
    ]);
    await expect(scene.names({ compose: ['c.yml'], envFile: ['three.env'] })).rejects.toMatchObject({
      code: 'selection-invalid',
    });
  });

  it('do not need variables that only containers need', async () => {
    const text = 'services: { web: { image: a:1, environment: { PASSWORD: "${PASSWORD:?set it}" } } }';
    expect(await imagesOf(text)).toEqual(['a:1']);
  });

  it('of services that are only built are called as Compose calls them', async () => {
    const text = 'services: { web: { build: . }, api: { build: ./api, image: shop/api:2 } }';
    expect(await imagesOf(text)).toEqual(['shop/api:2', 'shop-web']);
    expect(await imagesOf(`name: other\n${text}`)).toEqual(['shop/api:2', 'other-web']);
    expect(await imagesOf(`name: other\n${text}`, { env: { COMPOSE_PROJECT_NAME: 'mine' } })).toEqual([
      'shop/api:2',
      'mine-web',
    ]);
    expect(await imagesOf(text, { files: { '.env': 'COMPOSE_PROJECT_NAME=dot' } })).toEqual([
      'shop/api:2',
      'dot-web',
    ]);
    await expect(imagesOf(text, { env: { COMPOSE_PROJECT_NAME: 'My Shop' } })).rejects.toMatchObject({
      code: 'selection-invalid',
    });
  });

  it('name a project by its folder, without what names cannot have', async () => {
    const scene = await setScene({ '_My.Shop-2/compose.yaml': 'services: { web: { build: . } }' });
    expect(await scene.names({ compose: ['_My.Shop-2'] })).toEqual(['myshop-2-web']);
  });

  it('leave out services whose profile is not active, unless others need them', async () => {
    const text = `
services:
  web: { image: web:1, depends_on: [db] }
  db: { image: db:1, profiles: [data] }
  debug: { image: debug:1, profiles: [debug, all], depends_on: { tool: { condition: service_started, required: false } } }
  tool: { image: tool:1, profiles: [tools] }
  side: { image: side:1, profiles: [all], network_mode: 'service:tool' }`;
    expect(await imagesOf(text)).toEqual(['db:1', 'web:1']);
    expect(await imagesOf(text, { profile: ['debug'] })).toEqual(['db:1', 'debug:1', 'web:1']);
    expect(await imagesOf(text, { env: { COMPOSE_PROFILES: 'all, none' } })).toEqual([
      'db:1',
      'debug:1',
      'side:1',
      'tool:1',
      'web:1',
    ]);
    expect(await imagesOf(text, { profile: ['tools'], env: { COMPOSE_PROFILES: 'debug' } })).toEqual([
      'db:1',
      'tool:1',
      'web:1',
    ]);
    expect(await imagesOf(text, { profile: ['*'] })).toHaveLength(5);
  });

  it('say which profiles there are where no service is active', async () => {
    await expect(
      imagesOf('services: { a: { image: a, profiles: [x] }, b: { image: b, profiles: [y, x] } }'),
    ).rejects.toMatchObject({
      code: 'selection-invalid',
      hint: expect.stringContaining('--profile x, y') as string,
    });
  });

  it('merge in the order of the files', async () => {
    const scene = await setScene({
      'a.yml':
        'name: one\nservices: { web: { image: web:1, profiles: [p] }, api: { image: api:1 }, db: { image: db:1 }, old: { build: . } }',
      'b.yml':
        'name: two\nservices: { web: { image: web:2, profiles: [q] }, api: { build: ./api }, db: !reset null, old: { image: } }',
      'c.yml':
        'services: { web: { profiles: !override [r] }, api: { image: !reset null }, new: { image: new:1 } }',
    });
    const names = (profile: string, ...compose: string[]): Promise<string[]> =>
      scene.names({ compose, profile: [profile] });
    expect(await names('p', 'a.yml')).toEqual(['api:1', 'db:1', 'one-old', 'web:1']);
    expect(await names('p', 'a.yml', 'b.yml')).toEqual(['api:1', 'two-old', 'web:2']);
    expect(await names('q', 'a.yml', 'b.yml')).toContain('web:2');
    expect(await names('q', 'a.yml', 'b.yml', 'c.yml')).toEqual(['two-api', 'new:1', 'two-old']);
    expect(await names('r', 'a.yml', 'b.yml', 'c.yml')).toContain('web:2');
  });

  it('follow anchors, merge keys and extends', async () => {
    const text = `
x-base: &base
  image: base:\${TAG:-1}
  profiles: []
services:
  web: { <<: *base }
  worker: { <<: *base, image: worker:1 }
  child: { extends: web }
  other: { extends: { service: far, file: sub/far.yml }, platform: linux/arm64 }
  built: { extends: { service: made, file: sub/far.yml } }`;
    const files = {
      'sub/far.yml':
        'services: { far: { extends: near, depends_on: [web] }, near: { image: near:1 }, made: { build: . } }',
    };
    expect(await imagesOf(text, { files })).toEqual(['shop-built', 'base:1', 'near:1', 'worker:1']);
  });

  it('follow include, with the variables beside what is included', async () => {
    const text = `
include:
  - sub/compose.yml
  - path: [other/a.yml, b.yml]
    project_directory: other
    env_file: own.env
services:
  web: { image: "web:\${TAG-none}" }`;
    const files = {
      'sub/compose.yml':
        'include: [deep.yml]\nservices: { db: { image: "db:${TAG}" }, cache: { image: "cache:${TAG}" } }',
      'sub/deep.yml': 'services: { deep: { image: deep:1 } }',
      'sub/.env': 'TAG=sub',
      'other/a.yml': 'services: { a: { image: "a:${TAG}" } }',
      'b.yml': 'services: { a: { image: "b:${TAG}" } }',
      'other/b.yml': 'services: { a: { image: "not:this" } }',
      'own.env': 'TAG=own',
    };
    expect(await imagesOf(text, { files })).toEqual(['b:own', 'cache:sub', 'db:sub', 'deep:1', 'web:none']);
  });

  it('take a folder for the Compose file in it and its override', async () => {
    const scene = await setScene({
      'x/docker-compose.yml': 'services: { web: { image: web:1 } }',
      'x/docker-compose.override.yml': 'services: { web: { image: web:2 } }',
    });
    expect(await scene.names({ compose: ['x'] })).toEqual(['web:2']);
    expect(await scene.names({ compose: ['x/docker-compose.yml'] })).toEqual(['web:1']);
    await expect(scene.names({ compose: ['.'] })).rejects.toMatchObject({ code: 'selection-invalid' });
  });

  it('are for the platform that their service names, and --platform goes before it', async () => {
    const scene = await setScene({
      'c.yml': 'services: { web: { image: web:1, platform: linux/arm64 }, db: { image: db:1 } }',
    });
    const platforms = async (given: object): Promise<unknown[]> =>
      (await scene.select({ compose: ['c.yml'], ...given })).patterns.map(({ platform }) => platform);
    expect(await platforms({})).toEqual([undefined, { os: 'linux', architecture: 'arm64' }]);
    expect(await platforms({ platform: 'linux/amd64' })).toEqual([undefined, undefined]);
  });

  it('tell all files that were read, for watching', async () => {
    const scene = await setScene({
      'c.yml': 'include: [sub/i.yml]\nservices: { web: { extends: { service: e, file: sub/e.yml } } }',
      'sub/i.yml': 'services: { i: { image: i } }',
      'sub/e.yml': 'services: { e: { image: e } }',
    });
    const { files } = await scene.select({ compose: ['c.yml'] });
    expect([...files].sort()).toEqual(
      ['.env', 'bundlefs.yaml', 'c.yml', 'sub/.env', 'sub/e.yml', 'sub/i.yml'].map(scene.at).sort(),
    );
  });
});

describe('Compose files that cannot be used', () => {
  it.each([
    ['a list', '- a\n- b', /line 1, column 1: the file is a list, a mapping was expected/],
    ['no YAML', 'services: [', /line \d, column \d+: it is not YAML/],
    ['a tab', 'services:\n\tweb: 1', /line 2/],
    [
      'a key twice',
      'services:\n  web: { image: a }\n  web: { image: b }',
      /line 3, column 3: this key is there twice/,
    ],
    [
      'a number for an image',
      'services:\n  web:\n    image: 1.10',
      /line 3, column 12: "services.web.image" is the number 1.1, text was expected. Put it in quotes/,
    ],
    ['a list of services', 'services:\n  - web', /line 2, column 3: "services" is a list/],
    [
      'text for a service',
      'services:\n  web: nginx',
      /line 2, column 8: "services.web" is "nginx", a mapping was expected/,
    ],
    ['no image', 'services: { web: { ports: [80] } }', /service "web" has neither an image nor a build/],
    ['no services', 'name: a', /it has no services/],
    ['nothing', '', /it has no services/],
    [
      'an image that is none',
      'services: { web: { image: "Shop Web" } }',
      /service "web": Cannot read image reference "Shop Web"/,
    ],
    ['a pattern', 'services: { web: { image: "shop/*" } }', /which is no image name/],
    [
      'a bad platform',
      'services: { web: { image: a, platform: "linux/a/b/c" } }',
      /service "web": Cannot read platform/,
    ],
    [
      'a bad variable',
      'services: { web: { image: "${A" } }',
      /"services.web.image": .* a variable that is not written as one/,
    ],
    [
      'an unknown dependency',
      'services: { web: { image: a, depends_on: [db] } }',
      /service "web" depends on "db"/,
    ],
    ['a service that extends itself', 'services: { a: { extends: b }, b: { extends: a } }', /extends itself/],
    [
      'a service that extends nothing',
      'services: { a: { extends: nobody } }',
      /extends "nobody", which is not in/,
    ],
    [
      'a file that includes itself',
      'include: [docker-compose.yml]\nservices: { a: { image: a } }',
      /includes itself/,
    ],
    ['a file that is not there', 'include: [missing.yml]', /missing.yml": there is no such file/],
    ['something remote', 'include: ["https://example.com/c.yml"]', /only files can be included/],
  ])('%s', async (_, text, message) => {
    await expect(imagesOf(text)).rejects.toMatchObject({
      code: 'selection-invalid',
      message: expect.stringMatching(message) as string,
    });
  });

  it('ends for aliases that multiply, for deep nesting, for fan-outs of includes, and for what is no text', async () => {
    const bomb = Array.from(
      { length: 12 },
      (_, index) =>
        `x${index}: &a${index} [${Array.from({ length: 10 }, () => (index === 0 ? 'lol' : `*a${index - 1}`)).join(', ')}]`,
    );
    await expect(imagesOf(`${bomb.join('\n')}\nservices: { web: { image: a } }`)).rejects.toMatchObject({
      code: 'selection-invalid',
    });
    await expect(imagesOf('[ '.repeat(200_000))).rejects.toMatchObject({ code: 'selection-invalid' });
    const files = Object.fromEntries(
      Array.from({ length: 20 }, (_, index) => [
        `i${index}.yml`,
        index === 19 ? 'services: { a: { image: a } }' : `include: [i${index + 1}.yml, i${index + 1}.yml]`,
      ]),
    );
    await expect(imagesOf('include: [i0.yml]', { files })).rejects.toMatchObject({
      message: expect.stringContaining('more than 1000 files') as string,
    });
    const scene = await setScene({});
    await expect(scene.names({ compose: ['/dev/zero'] })).rejects.toMatchObject({
      code: 'selection-invalid',
    });
    await expect(scene.names({ compose: [process.execPath] })).rejects.toMatchObject({
      code: 'selection-invalid',
    });
  });

  it('does no more for each alias of many than for each of few', () => {
    const cpuOf = (count: number): number => {
      const services = Array.from({ length: count }, (_, index) => `  - { <<: *a, image: 'b:${index}' }`);
      const text = `x: &a { image: !override a, n: [1, 2, 3] }\nlist:\n${services.join('\n')}`;
      const before = process.cpuUsage();
      const [document] = parseYaml(text, 'c.yml', { maps: 'Map', tags: 'compose' });
      expect(document?.tagged).toHaveLength(count + 1);
      const { user, system } = process.cpuUsage(before);
      return user + system;
    };
    cpuOf(500);
    // 8 times as many: looking for each anchor from the start of the file would take 64 times as long.
    expect(cpuOf(4000)).toBeLessThan(32 * cpuOf(500));
  });

  it('keeps names such as __proto__ apart from the program', async () => {
    expect(await imagesOf('services: { __proto__: { image: a }, constructor: { image: b } }')).toEqual([
      'a',
      'b',
    ]);
  });
});
