/** Of one table of odd images, bundlefs must say what docker says: 20.10 and 28.5, of which the stricter one counts. */
import { request } from 'node:http';
import { createReadStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { openCache } from '../../src/cache/cache.ts';
import { prepareBundle, type PreparedBundle } from '../../src/bundle/prepare-bundle.ts';
import type { BundleError } from '../../src/ground/errors.ts';
import { verifyArchive } from '../../src/inspect/verify-archive.ts';
import { createArchiveSource } from '../../src/place/archive/archive-source.ts';
import { createStreamSource } from '../../src/place/archive/stream-source.ts';
import { readLoadMessages } from '../../src/place/engine/load-messages.ts';
import type { ImageSource } from '../../src/image/image-source.ts';
import { wishPlatform } from '../../src/place/platform-wish.ts';
import { loadableCases, packCases } from '../fixtures/loadable-cases.ts';
import { makeTempFolder } from '../support/temp-folder.ts';
import { startEngine, type ThrowawayEngine } from '../support/throwaway-engine.ts';
import { findUnpackedEnginePath } from '../support/unpacked-packages.ts';

// Hundreds of archives are loaded, which takes long where the machine is busy.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 120_000 });

const profile = { preset: 0, extreme: false, check: 'crc64' } as const;
const wish = wishPlatform('linux/amd64');
const anyWish = { ...wish, isRequired: false };

let engines: readonly ThrowawayEngine[] = [];
beforeAll(async () => {
  const settings = { features: { 'containerd-snapshotter': false } };
  const path = await findUnpackedEnginePath();
  engines = await Promise.all([startEngine(), startEngine({ path, settings })]);
});
afterAll(async () => {
  for (const engine of engines) await engine[Symbol.asyncDispose]();
});

interface Prepared {
  readonly bundle: PreparedBundle;
  readonly leftOut: readonly BundleError[];
}

async function prepare(source: ImageSource, skipsUnloadable: boolean): Promise<Prepared> {
  const leftOut: BundleError[] = [];
  const cache = await openCache(join(await makeTempFolder(), 'cache'));
  const bundle = await prepareBundle({
    source,
    references: [],
    cache,
    profile,
    skipsUnloadable,
    onLeftOut: (error) => leftOut.push(error),
  });
  return { bundle, leftOut };
}

/** What the engine says of a tar: undefined where it loads it. */
async function load(engine: ThrowawayEngine, tar: AsyncIterable<Uint8Array>): Promise<string | undefined> {
  const socketPath = engine.host.replace('unix://', '');
  const path = '/images/load?quiet=1';
  return new Promise((resolve) => {
    const asked = request({ socketPath, path, method: 'POST' }, (answer) => {
      readLoadMessages(answer).then(
        ({ error }) => {
          resolve(error ?? (answer.statusCode === 200 ? undefined : String(answer.statusCode)));
        },
        (error: unknown) => {
          resolve(String(error)); // 20.10 panics for some systems, and hangs up
        },
      );
    });
    asked.on('error', (error) => {
      resolve(String(error));
    });
    void (async () => {
      for await (const chunk of tar) asked.write(chunk);
      asked.end();
    })();
  });
}

async function listTags(engine: ThrowawayEngine): Promise<readonly string[]> {
  const listed = await engine.docker('images', '--format', '{{.Repository}}:{{.Tag}}');
  return listed
    .split('\n')
    .filter((name) => name.startsWith('case/'))
    .sort();
}

describe('bundlefs and docker agree', () => {
  it(`about each of ${loadableCases.length} images: what is left out is refused, and all the others load together`, async () => {
    const folder = await makeTempFolder();
    const path = join(folder, 'all.tar');
    await writeFile(path, await packCases(loadableCases));
    const { bundle, leftOut } = await prepare(createArchiveSource(path, anyWish), true);
    const taken = bundle.images.flatMap(({ tags }) => tags).map((tag) => tag.replace('docker.io/', ''));
    onTestFinished(() => bundle[Symbol.asyncDispose]());
    for (const engine of engines) {
      expect(await load(engine, bundle.tar.stream())).toBe(undefined);
      expect(await listTags(engine)).toEqual([...taken].sort());
    }
    const refused = loadableCases.filter(({ image }) => !taken.includes(image.tags[0] ?? ''));
    expect(leftOut).toHaveLength(refused.length);
    for (const { name, image } of refused) {
      const tar = await packCases([{ name, image }]);
      const answers = await Promise.all(engines.map((engine) => load(engine, inOne(tar))));
      const said = leftOut.find(({ message }) => message.includes(image.tags[0] ?? ''));
      // 28.5, or 20.10, refuses it; bundlefs has named it, and says which fault it has.
      expect([name, answers.some((answer) => answer !== undefined)]).toEqual([name, true]);
      expect([name, said?.code]).toEqual([
        name,
        expect.stringMatching(/^(?:image-unsupported|(?:config|archive)-corrupt|layer-mismatch)$/),
      ]);
    }
    expect(refused.length).toBeGreaterThan(100);
    expect(taken.length).toBeGreaterThan(60);
  });

  it('whether the archive is a file or a pipe, and verify says the same of each image', async () => {
    const path = join(await makeTempFolder(), 'all.tar');
    await writeFile(path, await packCases(loadableCases));
    const fromFile = await prepare(createArchiveSource(path, anyWish), true);
    const fromPipe = await prepare(createStreamSource(createReadStream(path), anyWish), true);
    for (const { bundle } of [fromFile, fromPipe]) onTestFinished(() => bundle[Symbol.asyncDispose]());
    const taken = fromFile.bundle.images.flatMap(({ tags }) => tags);
    expect(fromPipe.bundle.images.flatMap(({ tags }) => tags)).toEqual(taken);
    const report = await verifyArchive(path);
    const sound = report.images.filter(({ isSound }) => isSound).flatMap(({ names }) => names);
    expect(sound.map((name) => `docker.io/${name}`).sort()).toEqual([...taken].sort());
    expect(report.faults.length).toBeGreaterThan(100);
  });

  it('by an error that names the image, where nothing is to be left out', async () => {
    const folder = await makeTempFolder();
    const cases = loadableCases.filter((_, index) => index % 9 === 0);
    for (const { name, image } of cases) {
      const path = join(folder, 'one.tar');
      await writeFile(path, await packCases([{ name, image }]));
      const report = await verifyArchive(path);
      const answer = await prepare(createArchiveSource(path, anyWish), false).then(
        async ({ bundle }) => {
          await bundle[Symbol.asyncDispose]();
          return undefined;
        },
        (error: unknown) => error as BundleError,
      );
      expect([name, answer === undefined]).toEqual([name, report.faults.length === 0]);
      if (answer !== undefined) expect(answer.message).toContain(image.tags[0]);
    }
  });
});

async function* inOne(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}
