/** Whatever lies in a cache in the place of a file or folder: nothing is waited for, nothing outside of the cache is changed, and what stands in the way is named. */
import { execFileSync } from 'node:child_process';
import {
  chmod,
  chown,
  cp,
  link,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rm,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { openCache } from '../../src/cache/cache.ts';
import { collectGarbage } from '../../src/cache/upkeep/collect-garbage.ts';
import { prepareBundle } from '../../src/bundle/prepare-bundle.ts';
import { surveyCache } from '../../src/cache/upkeep/survey-cache.ts';
import { verifyCache } from '../../src/cache/upkeep/verify-cache.ts';
import { isBundleError } from '../../src/ground/errors.ts';
import { buildSampleImages, type FixtureImage } from '../fixtures/sample-images.ts';
import { createMemorySource } from '../support/memory-source.ts';
import { makeTempFolder } from '../support/temp-folder.ts';

const mallory = 50_002;
const digest = '5'.repeat(64);

/** Puts something at `path`; what it leads to is in `victim`. */
const things: Readonly<Record<string, (path: string, victim: string) => Promise<void>>> = {
  'a link to a file': (path, victim) => symlink(join(victim, 'thesis.txt'), path),
  'a link to a folder': (path, victim) => symlink(join(victim, 'chapters'), path),
  'a dangling link': (path, victim) => symlink(join(victim, 'none'), path),
  'a link to /dev/zero': (path) => symlink('/dev/zero', path),
  'a named pipe': (path) => Promise.resolve(void execFileSync('mkfifo', [path])),
  'a device': (path) => Promise.resolve(void execFileSync('mknod', [path, 'c', '1', '5'])),
  'a socket': (path) =>
    new Promise((resolve, reject) => {
      const server = createServer().once('error', reject);
      // The path is too long for a socket's address; it is moved there.
      const short = `/tmp/bfs-${process.pid}.sock`;
      server.listen(short, () => {
        execFileSync('mv', [short, path]);
        onTestFinished(() => void server.close());
        resolve();
      });
    }),
  'a folder': (path) => mkdir(path),
  'a file of another user': async (path) => {
    await writeFile(path, 'not ours');
    await chown(path, mallory, mallory);
  },
  'a huge file': async (path) => {
    await writeFile(path, '');
    await truncate(path, 2 ** 42);
  },
  'a second name of a file': (path, victim) => link(join(victim, 'thesis.txt'), path),
};

/** Paths below the format folder; `first` stands for the first name in the folder. */
const places = [
  ...[
    'blocks',
    'layers',
    'configs',
    'recipes',
    'builds',
    'uses',
    'leases',
    'partial',
    'bad',
    'frames',
    'images',
  ],
  ...['blocks/first', 'blocks/first/first', 'blocks/first/first/first', 'layers/first', 'layers/first/first'],
  ...['configs/first', 'recipes/first', 'builds/first', 'uses/first', 'collection.json', 'evil'],
  ...[`images/${digest}.json`, `checks/${digest}.json`, `uses/${digest}`, `bad/${'5'.repeat(16)}`],
  ...[`leases/recipe.${digest}.${'5'.repeat(16)}`, 'leases/evil', `partial/.x.${'5'.repeat(16)}.partial`],
];

let folder: string;
let images: FixtureImage[];

async function build(cache: Awaited<ReturnType<typeof openCache>>): Promise<void> {
  const bundle = await prepareBundle({
    source: createMemorySource(images),
    references: [],
    cache,
    profile: { preset: 0, extreme: false, check: 'crc64' },
  });
  await bundle[Symbol.asyncDispose]();
}

const verbs: Readonly<Record<string, (cache: Awaited<ReturnType<typeof openCache>>) => Promise<unknown>>> = {
  build,
  info: (cache) => surveyCache(cache, Date.now()),
  why: (cache) => cache.listBuilds(),
  verify: (cache) => verifyCache(cache),
  gc: (cache) =>
    collectGarbage(cache, { keepLast: 0, maxSize: 1 }, { now: () => Date.now() + 400 * 86_400_000 }),
};

/** Names, kinds, owners, times and content of all that is in `path`. */
async function describeTree(path: string): Promise<string[]> {
  const names = ['', ...(await readdir(path, { recursive: true })).sort()];
  return Promise.all(
    names.map(async (name) => {
      const info = await lstat(join(path, name));
      const content = info.isFile()
        ? await readFile(join(path, name), 'utf8')
        : info.isSymbolicLink()
          ? await readlink(join(path, name))
          : '';
      return `${name} ${info.mode} ${info.uid} ${info.mtimeMs} ${info.size} ${content}`;
    }),
  );
}

async function resolvePlace(root: string, place: string): Promise<string> {
  let path = root;
  for (const part of place.split('/')) {
    path = join(path, part === 'first' ? ((await readdir(path)).sort()[0] ?? digest) : part);
  }
  return path;
}

function withinTime<T>(work: Promise<T>): Promise<T> {
  const limit = new Promise<never>((_resolve, reject) => {
    setTimeout(() => {
      reject(new Error('it waits'));
    }, 30_000).unref();
  });
  return Promise.race([work, limit]);
}

describe('a cache with something strange in it', { timeout: 600_000 }, () => {
  beforeAll(async () => {
    folder = execFileSync('mktemp', ['-d', '/tmp/bfs-strange-XXXXXX'], { encoding: 'utf8' }).trim();
    images = (await buildSampleImages()).slice(0, 2);
    await build(await openCache(join(folder, 'cache')));
    const cache = await openCache(join(folder, 'cache'));
    await cache.putBuild({
      ...{
        format: 'bundlefs-build-1',
        startedAt: new Date().toISOString(),
        endedAt: new Date().toISOString(),
      },
      ...{ verb: 'build', source: 'memory', version: '0', profile: 'p', images: [], encodedBlocks: [] },
      costs: { seconds: 0, readSeconds: 0, encodeSeconds: 0, cpuSeconds: 0, readSize: 0 },
    });
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each(places)('changes nothing outside and waits for nothing: %s', async (place) => {
    for (const [name, put] of Object.entries(things)) {
      const own = await makeTempFolder();
      const victim = join(own, 'home');
      await mkdir(join(victim, 'chapters'), { recursive: true });
      for (const file of ['thesis.txt', `chapters/${digest}`, `chapters/${digest}.json`, 'chapters/a.txt']) {
        await writeFile(join(victim, file), `content of ${file}`);
        await utimes(join(victim, file), 1, 1);
      }
      await cp(join(folder, 'cache'), join(own, 'cache'), { recursive: true, preserveTimestamps: true });
      await chmod(join(own, 'cache'), 0o2775);
      const path = await resolvePlace(join(own, 'cache/v1'), place);
      await rm(path, { recursive: true, force: true });
      await mkdir(dirname(path), { recursive: true });
      await put(path, victim);
      const before = await describeTree(victim);
      for (const [verb, run] of Object.entries(verbs)) {
        const label = `${verb} with ${name} at ${place}`;
        try {
          await withinTime(openCache(join(own, 'cache')).then(run));
        } catch (error) {
          expect(
            isBundleError(error, 'cache-failed', 'cache-read-only', 'block-missing'),
            `${label}: ${String(error)}`,
          ).toBe(true);
          expect(String(error), label).toContain(path);
        }
      }
      expect(await describeTree(victim), `${name} at ${place}`).toEqual(before);
    }
  });
});
