/** What docker takes of odd layers, squash takes, and an engine shows the same files of what it makes. */
import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { StreamByteReader } from '../../src/format/tar/byte-reader.ts';
import { walkLayer } from '../../src/format/tar/walk-layer.ts';
import { links } from '../fixtures/odd-layers/links.ts';
import { type OddImage, oddImages } from '../fixtures/odd-layers/odd-layers.ts';
import { writeHybridArchive } from '../fixtures/write-hybrid-archive.ts';
import { startContainerd } from '../product/stick/throwaway-containerd.ts';
import { runCli, runCliOk } from '../support/run-cli.ts';
import { startEngine, type ThrowawayEngine } from '../support/throwaway-engine.ts';

const run = promisify(execFile);

const taken = oddImages.filter(({ answer }) => answer !== 'refused');
const refused = oddImages.filter(({ answer }) => answer === 'refused');

let folder: string;
let engine: ThrowawayEngine;

beforeAll(async () => {
  folder = await mkdtemp('/tmp/bfs-');
  engine = await startEngine();
}, 60_000);
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
}, 60_000);

/** A bundle of the images, each as it is and squashed, as `flat:<name>`. */
async function bundleOf(images: readonly OddImage[], name: string): Promise<string> {
  await writeHybridArchive(
    join(folder, `${name}.tar`),
    images.map(({ image }) => image),
  );
  const output = join(folder, `${name}.tar.xz`);
  const transforms = [{ squash: 'odd:*', as: 'flat:*', keep: true }];
  const project = { from: `${name}.tar`, output, transforms };
  await writeFile(join(folder, `${name}.yaml`), JSON.stringify(project));
  await runCliOk(['build', '--fast', '--config', join(folder, `${name}.yaml`)], {
    cache: join(folder, 'cache'),
    timeoutMs: 300_000,
  });
  return output;
}

/**
 * What a file system has that is mounted at `place`: a line for each path. Folders that no layer has an entry for come
 * without their times: engines give them the present one.
 */
async function describeFiles(place: string): Promise<string[]> {
  const packed = join(folder, 'files.tar');
  const options = ['--format=posix', '--sort=name', '--numeric-owner', '--xattrs', '--xattrs-include=*'];
  // overlayfs lists whiteouts of nothing, and has no such files: tar says that they changed, by status 1.
  const pack = 'tar "$@" 2> /dev/null || [ $? = 1 ]';
  await run('sh', ['-c', pack, 'tar', '-C', place, ...options, '-cf', packed, '.']);
  const lines: string[] = [];
  for await (const passing of walkLayer(new StreamByteReader(createReadStream(packed), 'files'))) {
    const { path, kind, mode, uid, gid, mtime, exactMtime, target, device, xattrs } = passing.member;
    const hash = createHash('sha256');
    for await (const chunk of passing.stream()) hash.update(chunk);
    const isImplicit = kind === 'directory' && (mtime === 0 || mtime > 1_700_000_000);
    const time = isImplicit ? undefined : (exactMtime ?? mtime);
    const facts = { kind, mode, uid, gid, target, device, time, hash: hash.digest('hex') };
    const own = [...xattrs].filter(([name]) => !name.startsWith('trusted.overlay.'));
    if (path !== '') lines.push(JSON.stringify({ path, ...facts, xattrs: own.sort() }));
  }
  return lines;
}

/** The lines without what depends on which of a file's names comes first. */
function withoutContent(lines: readonly string[]): string[] {
  return lines.map((line) => line.replace(/"(kind|target|hash)":"[^"]*",/g, ''));
}

const inspectedSchema = z.array(
  z.object({
    RepoTags: z.array(z.string()),
    GraphDriver: z.object({ Data: z.object({ LowerDir: z.string().optional(), UpperDir: z.string() }) }),
  }),
);

/** The layers of docker's images where overlay2 has them, the uppermost first. */
async function findLayers(names: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const inspected = inspectedSchema.parse(JSON.parse(await engine.docker('image', 'inspect', ...names)));
  return new Map(
    inspected.flatMap(({ RepoTags, GraphDriver: { Data } }) => {
      const layers = [Data.UpperDir, ...(Data.LowerDir === undefined ? [] : [Data.LowerDir])].join(':');
      return RepoTags.map((tag) => [tag, layers] as const);
    }),
  );
}

async function describeLayers(layers: string): Promise<string[]> {
  const [place, empty] = [join(folder, 'mounted'), join(folder, 'empty')];
  for (const path of [place, empty]) await mkdir(path, { recursive: true });
  // overlayfs wants two folders at least.
  await run('mount', ['-t', 'overlay', 'overlay', '-o', `ro,lowerdir=${layers}:${empty}`, place]);
  try {
    return await describeFiles(place);
  } finally {
    await run('umount', [place]);
  }
}

describe('docker', () => {
  it(`shows the same files of ${taken.length} images as they are and squashed`, async () => {
    expect(taken.length).toBeGreaterThan(150);
    await engine.docker('load', '-q', '-i', await bundleOf(taken, 'taken'));
    const names = taken.flatMap(({ name }) => [`odd:${name}`, `flat:${name}`]);
    const layers = await findLayers(names);
    const different: unknown[] = [];
    for (const { name, answer } of taken) {
      const [before, after] = [
        await describeLayers(layers.get(`odd:${name}`) ?? ''),
        await describeLayers(layers.get(`flat:${name}`) ?? ''),
      ];
      if (answer === 'aufs') {
        const wanted = withoutContent(before).filter((line) => !line.includes('".wh..wh.'));
        expect(wanted.length).toBeLessThan(before.length);
        expect(withoutContent(after)).toEqual(wanted);
        continue;
      }
      if (JSON.stringify(before) !== JSON.stringify(after)) different.push({ name, before, after });
    }
    expect(different).toEqual([]);
  }, 300_000);

  it(`refuses ${refused.length} others, and squash refuses or mends them`, async () => {
    const left = [...refused];
    const tryAll = async (): Promise<void> => {
      for (let next = left.shift(); next !== undefined; next = left.shift()) await tryRefused(next);
    };
    await Promise.all([tryAll(), tryAll(), tryAll()]);
  }, 300_000);

  async function tryRefused({ name, image }: OddImage): Promise<void> {
    const own = join(folder, name);
    await mkdir(own);
    const archive = join(own, 'images.tar');
    await writeHybridArchive(archive, [image]);
    await expect(engine.docker('load', '-q', '-i', archive), name).rejects.toThrow();
    const args = ['squash', '--fast', '--from', archive, `odd:${name}`, '-o', join(own, 'o.tar.xz')];
    const { status, stderr } = await runCli(args, { cache: join(own, 'cache') });
    expect([0, 5], `${name}: ${stderr}`).toContain(status);
  }
});

it('containerd shows the same of files with several names as they are and squashed, but for times of symlinks', async () => {
  await using containerd = await startContainerd();
  const names = new Set(links.map(([name]) => name).filter((name) => !name.startsWith('link-to-symlink')));
  const images = taken.filter(({ name }) => names.has(name));
  expect(images.length).toBeGreaterThan(20);
  const plain = join(folder, 'plain.tar');
  await run('sh', ['-c', 'xz -dc "$1" > "$2"', 'sh', await bundleOf(images, 'links'), plain]);
  await containerd.ctr('images', 'import', plain);
  const describeImage = async (name: string): Promise<string[]> => {
    const place = join(folder, name.replace(':', '-')); // a snapshot is called after where it is mounted
    await mkdir(place);
    await containerd.ctr('images', 'mount', `docker.io/library/${name}`, place);
    try {
      return await describeFiles(place);
    } finally {
      await run('umount', [place]);
    }
  };
  for (const { name } of images) {
    expect(await describeImage(`flat:${name}`), name).toEqual(await describeImage(`odd:${name}`));
  }
}, 300_000);
