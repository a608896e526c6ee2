/** loadIntoEngine with podman's service as the engine: it wants every layer, whatever it has. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { readChunks } from '../../../src/file/read-chunks.ts';
import type { VirtualFile } from '../../../src/file/virtual-file.ts';
import { loadIntoEngine } from '../../../src/place/engine/load-into-engine.ts';
import { connectEngine } from '../../../src/place/engine/talk/engine-connection.ts';
import { findEngineEndpoint } from '../../../src/place/engine/talk/engine-endpoint.ts';
import { findEngineKind } from '../../../src/place/engine/engine-kind.ts';
import { expectedImage } from '../../fixtures/expected-image.ts';
import { buildSampleImages, type FixtureImage } from '../../fixtures/sample-images.ts';
import { hybridArchive } from '../../fixtures/write-hybrid-archive.ts';

let web: FixtureImage;
let worker: FixtureImage;

beforeAll(async () => {
  const [first, second] = await buildSampleImages();
  if (first === undefined || second === undefined) throw new TypeError('Fixtures are missing');
  [web, worker] = [first, second];
});

async function startPodman(): Promise<string> {
  const folder = await mkdtemp('/tmp/bfs-');
  const options = ['--root', join(folder, 'r'), '--runroot', join(folder, 'rr')];
  const host = `unix://${join(folder, 's')}`;
  const child = execFile('setpriv', [
    ...['--pdeathsig', 'TERM', 'podman', ...options, '--storage-driver', 'vfs', '--events-backend', 'none'],
    ...['system', 'service', '-t', '0', host],
  ]);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  onTestFinished(async () => {
    child.kill();
    await ended;
    await rm(folder, { recursive: true, force: true });
  });
  const endpoint = await findEngineEndpoint({ host });
  for (let tries = 0; ; tries += 1) {
    try {
      const connection = await connectEngine(endpoint);
      expect(await findEngineKind(connection)).toBe('podman');
      connection.close();
      return host;
    } catch (error) {
      if (tries === 200) throw error;
      await sleep(50);
    }
  }
}

async function tarOf(images: readonly FixtureImage[]): Promise<VirtualFile> {
  const chunks: Uint8Array[] = [];
  // A bundle has whole names; podman makes localhost/ of others.
  for await (const chunk of hybridArchive(images)) chunks.push(chunk);
  const content = Buffer.concat(chunks);
  const file: VirtualFile = {
    size: content.length,
    read: (target, position) => Promise.resolve(content.copy(target, 0, position)),
    stream: (options) => readChunks(file, options),
    close: () => Promise.resolve(),
  };
  return file;
}

describe('loadIntoEngine, into podman', () => {
  it('loads images with one name and with several, whatever layers it has, and sends nothing twice', async () => {
    const host = await startPodman();
    const load = async (...images: readonly FixtureImage[]): Promise<string[]> => {
      const tar = await tarOf(images);
      const loaded = await loadIntoEngine(tar, images.map(expectedImage), {
        host,
        openWithout: () => {
          throw new TypeError('podman wants every layer');
        },
      });
      return loaded.map(({ name, status }) => `${name} ${status}`).sort();
    };
    const oneName = { ...web, tags: ['docker.io/shop/one:1'] };
    const several = {
      ...worker,
      tags: ['docker.io/shop/two:1', 'docker.io/shop/two:latest', 'reg.example:5000/two:1'],
    };
    expect(await load(oneName)).toEqual(['shop/one:1 loaded']);
    expect(await load(several)).toEqual([
      'reg.example:5000/two:1 loaded',
      'shop/two:1 loaded',
      'shop/two:latest loaded',
    ]);
    expect(await load(oneName, several)).toEqual(
      ['reg.example:5000/two:1', 'shop/one:1', 'shop/two:1', 'shop/two:latest'].map(
        (name) => `${name} already there`,
      ),
    );
    expect(
      await load(
        { ...worker, tags: ['docker.io/shop/three:1'] },
        { ...web, tags: ['docker.io/shop/four:1'] },
      ),
    ).toEqual(['shop/four:1 loaded', 'shop/three:1 loaded']);
  });
});
