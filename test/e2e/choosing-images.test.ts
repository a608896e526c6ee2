/** Runs the commands of docs/choosing-images.md and the example of docs/project-file.md, on a real engine. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildSampleImages } from '../fixtures/sample-images.ts';
import { writeLegacyArchive } from '../fixtures/write-legacy-archive.ts';
import { writeOciLayout } from '../fixtures/write-oci-layout.ts';
import { programPath } from '../support/run-cli.ts';
import { startEngine, type ThrowawayEngine } from '../support/throwaway-engine.ts';

const run = promisify(execFile);
const timeout = 240_000;
let folder: string;
let engine: ThrowawayEngine;

const page = (name: string): Promise<string> =>
  readFile(fileURLToPath(new URL(`../../docs/${name}`, import.meta.url)), 'utf8');

async function blocksOf(name: string, language: string): Promise<string[]> {
  const blocks = (await page(name)).matchAll(new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``, 'g'));
  return [...blocks].map(([, text = '']) => text);
}

/** Runs a line of the shell in the folder, with bundlefs and docker as a user has them. */
async function shell(line: string, environment: Record<string, string> = {}): Promise<string> {
  const { stdout } = await run('sh', ['-ec', line], {
    cwd: folder,
    env: {
      ...process.env,
      PATH: `${dirname(programPath)}:${process.env['PATH'] ?? ''}`,
      DOCKER_HOST: engine.host,
      BUNDLEFS_CACHE: join(folder, 'own-cache'),
      BUNDLEFS_PRESET: '0',
      XDG_STATE_HOME: join(folder, 'state'),
      ...environment,
    },
  });
  return stdout;
}

/** The names in the bundle at `path`. */
async function namesIn(path: string): Promise<string[]> {
  const report = JSON.parse(await shell(`bundlefs inspect ${path} --json`)) as {
    images: { names: string[] }[];
  };
  return report.images.flatMap(({ names }) => names).sort();
}

beforeAll(async () => {
  folder = await mkdtemp('/tmp/bfs-');
  engine = await startEngine();
  const images = await buildSampleImages();
  await writeLegacyArchive(join(folder, 'images.tar'), images);
  await writeOciLayout(join(folder, 'layout'), images);
  await engine.docker('load', '-q', '-i', join(folder, 'images.tar'));
  await engine.docker('tag', 'tiny/web:1.0', 'shop-built');
  await engine.docker('tag', 'tiny/worker:1.0', 'tiny/worker:latest');
  await mkdir(join(folder, 'mnt'));
  await writeFile(join(folder, 'list.txt'), '# all\r\ntiny/web:1.0 # the front\r\n\r\ntiny/w*:1.0\r\n');
  await writeFile(
    join(folder, 'docker-compose.yml'),
    'name: shop\nservices:\n  web: { image: "tiny/web:${TAG:-1.0}" }\n  built: { build: ., profiles: [tools] }\n',
  );
  await writeFile(
    join(folder, 'docker-compose.prod.yml'),
    'services: { worker: { image: "tiny/worker:${TAG}" } }',
  );
  await writeFile(join(folder, 'prod.env'), 'TAG=1.0\n');
}, timeout);
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

describe('docs/choosing-images.md', { timeout }, () => {
  it('has commands that give the images they say', async () => {
    const lines = (await blocksOf('choosing-images.md', 'sh')).flatMap((block) => block.trim().split('\n'));
    const expected: [RegExp, string[]][] = [
      [/tiny\/web:1.0 tiny\/worker /, ['tiny/web:1.0', 'tiny/worker:latest']],
      [/build 'tiny\/\*:1\.\*'/, ['tiny/web:1.0', 'tiny/worker:1.0']],
      [/--images-file list/, ['tiny/web:1.0', 'tiny/worker:1.0']],
      [
        /--images-file -/,
        ['tiny/db:5', 'tiny/web:1.0', 'tiny/web:latest', 'tiny/worker:1.0', 'tiny/worker:latest'],
      ],
      [/compose.yml -o/, ['tiny/web:1.0']],
      [/--profile/, ['shop-built:latest', 'tiny/web:1.0', 'tiny/worker:1.0']],
      [/=registry/, ['registry.customer.example/web:stable']],
      [/'tiny\/\*=/, ['customer/web:1.0', 'customer/worker:1.0']],
    ];
    const seen = new Set<RegExp>();
    for (const line of lines.filter((text) => !/oci:|^bundlefs build$/.test(text))) {
      const [pattern, names] = expected.find(([pattern]) => pattern.test(line)) ?? [];
      if (pattern === undefined) throw new Error(`nobody says what this gives: ${line}`);
      seen.add(pattern);
      await shell(line);
      expect(await namesIn('images.tar.xz'), line).toEqual(names);
    }
    expect(seen.size).toBe(expected.length);
  });

  it('takes patterns with archives, folders and standard input, and refuses those that match nothing', async () => {
    for (const from of ['--from images.tar', '--from oci:layout', '--from - <images.tar']) {
      await shell(`bundlefs build 'tiny/w*:1.?' -o out.tar.xz ${from}`);
      expect(await namesIn('out.tar.xz')).toEqual(['tiny/web:1.0', 'tiny/worker:1.0']);
    }
    for (const from of ['', '--from images.tar']) {
      await expect(shell(`bundlefs build 'tiny/wbe:*' -o out.tar.xz ${from}`)).rejects.toMatchObject({
        code: 3,
        stderr: expect.stringMatching(
          /Cannot find image "tiny\/wbe:\*".*\nDid you mean tiny\/web:/,
        ) as string,
      });
    }
  });

  it('gives the same bytes however images were chosen', async () => {
    await shell('bundlefs build tiny/web:1.0 tiny/worker:1.0 -o a.tar.xz');
    await shell("printf 'tiny/w*:1.0' | bundlefs build --images-file - -o b.tar.xz");
    await shell('cmp a.tar.xz b.tar.xz');
  });
});

describe('docs/project-file.md', { timeout }, () => {
  it('has an example with which build and mount need no arguments, and stream and load may have some', async () => {
    const [example = ''] = await blocksOf('project-file.md', 'yaml');
    const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
    await writeFile(
      join(folder, 'bundlefs.yaml'),
      example
        .replace('linux/amd64', `linux/${architecture}`)
        .replace('profiles: [tools]', 'profiles: [none]'),
    );
    await shell('bundlefs build');
    const names = await namesIn('out.tar.xz');
    expect(names).toEqual([
      'customer/worker:1.0',
      'registry.customer.example/web:stable',
      'tiny/web:1.0',
      'tiny/web:flat',
    ]);
    await shell('bundlefs mount && cmp mnt/images.tar.xz out.tar.xz; bundlefs unmount mnt');
    await shell('bundlefs stream tiny/db:5 > one.tar.xz');
    expect(await namesIn('one.tar.xz')).toEqual(['tiny/db:5']);
    await shell('bundlefs build --no-config --from images.tar -o all.tar.xz');
    expect(await namesIn('all.tar.xz')).toContain('tiny/web:latest');
    await rm(join(folder, 'bundlefs.yaml'));
  });

  it('has the cache looked after, unless it says not to', async () => {
    const again = async (auto: string): Promise<number> => {
      await writeFile(
        join(folder, 'gc.yaml'),
        `cache: gc-${auto}\ngc: { maxSize: 1, auto: ${auto} }\noutput: gc.tar.xz\n`,
      );
      for (const name of ['tiny/web:1.0', 'tiny/db:5'])
        await shell(`bundlefs build --config gc.yaml ${name}`);
      const report = await shell('bundlefs build --config gc.yaml --json tiny/web:1.0');
      return (JSON.parse(report) as { blocks: { encoded: number } }).blocks.encoded;
    };
    expect(await again('false')).toBe(0);
    expect(await again('true')).toBeGreaterThan(0);
  });

  it('names the cache, and its limits, for the verbs that are about the cache', async () => {
    await writeFile(
      join(folder, 'own.yaml'),
      'cache: kept\ngc: { maxSize: 1, auto: false }\noutput: own.tar.xz\n',
    );
    await shell('bundlefs build --config own.yaml --from images.tar tiny/web:1.0');
    await shell('bundlefs build --config own.yaml --from images.tar tiny/db:5');
    const info = JSON.parse(await shell('bundlefs cache info --config own.yaml --json')) as {
      path: string;
      collectable: { maxSize: number };
    };
    expect(info).toMatchObject({ path: join(folder, 'kept/v1'), collectable: { maxSize: 1 } });
    expect(await shell('bundlefs cache verify --config own.yaml')).toContain('kept');
    expect(await shell('bundlefs why tiny/db:5 --config own.yaml')).toContain('tiny/db:5');
    expect(await shell('bundlefs diff @1 @0 --config own.yaml')).toContain('tiny/db:5');
    await shell('bundlefs build --no-config --from images.tar tiny/db:5 -o other.tar.xz');
    const gc = async (options: string): Promise<object> =>
      JSON.parse(await shell(`bundlefs cache gc --dry-run --json ${options}`)) as object;
    expect(await gc('--config own.yaml')).toMatchObject({
      path: join(folder, 'kept/v1'),
      limits: { maxSize: 1 },
    });
    expect(await gc('--config own.yaml --max-size 1T')).toMatchObject({
      limits: { maxSize: 2 ** 40 },
      removed: [],
    });
    expect(await gc('--no-config --cache kept')).toMatchObject({ limits: {}, removed: [] });
    expect(await gc('--config own.yaml --cache own-cache')).toMatchObject({
      path: join(folder, 'own-cache/v1'),
    });
  });

  it('has what was removed of the cache told', async () => {
    const options = '--config told.yaml --from images.tar';
    await writeFile(join(folder, 'told.yaml'), 'cache: told\ngc: { maxSize: 1 }\noutput: told.tar.xz\n');
    await shell(`bundlefs build ${options} tiny/web:1.0 2>first`);
    await shell(`bundlefs build ${options} tiny/db:5 2>second`);
    expect(await shell('cat first')).toBe('');
    expect(await shell('cat second')).toMatch(
      /^bundlefs: removed from the cache, as its limits say: \d+ files?, /,
    );
  });

  it('is not there: then build wants an output, and mount a mount point', async () => {
    await expect(shell('bundlefs build tiny/web:1.0')).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining('-o FILE') as string,
    });
    await expect(shell('bundlefs mount')).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no mount point') as string,
    });
  });
});
