/** What is made of images shows the same files as they do, on every engine and under every rule that these have for layers. */
import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { StreamByteReader } from '../../src/tar/byte-reader.ts';
import { walkLayer } from '../../src/tar/walk-layer.ts';
import { buildRuleImages, ruleNames } from '../fixtures/rule-images.ts';
import { writeHybridArchive } from '../fixtures/write-hybrid-archive.ts';
import { startNewerEngine } from '../support/newer-engine.ts';
import { runCliOk } from '../support/run-cli.ts';
import { startEngine, type ThrowawayEngine } from '../support/throwaway-engine.ts';

const run = promisify(execFile);

/** In one bundle: the image, and what is made of it. */
const made = ['rules:flat', 'rules:top', 'rules:thin'];
const transforms = [
  { squash: 'rules:1', as: 'rules:flat', keep: true },
  { squash: 'rules:1', as: 'rules:top', keep: true, fromLayer: 2 },
  { thin: 'rules:1', on: 'rules:older', as: 'rules:thin', keep: true },
];

/** For each image, the lines that tell what is in it. */
type Exported = ReadonlyMap<string, readonly string[]>;

let folder: string;
let bundle: string;
const opened: AsyncDisposable[] = [];

beforeAll(async () => {
  folder = await mkdtemp('/tmp/bfs-');
  const { rules, older } = await buildRuleImages();
  await writeHybridArchive(join(folder, 'rules.tar'), [rules, older]);
  bundle = join(folder, 'images.tar.xz');
  const project = { from: 'rules.tar', output: bundle, transforms };
  await writeFile(join(folder, 'bundlefs.yaml'), JSON.stringify(project));
  await runCliOk(['build', '--config', join(folder, 'bundlefs.yaml')], { cache: join(folder, 'cache') });
}, 60_000);
afterAll(async () => {
  for (const one of opened) await one[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
}, 60_000);

/** All that the root file system of a tar has, a line for each path; times of folders that no layer has a member for are left out. */
async function describeTar(path: string): Promise<string[]> {
  const lines: string[] = [];
  for await (const passing of walkLayer(new StreamByteReader(createReadStream(path), 'an export'))) {
    const { path: name, kind, mode, uid, gid, mtime, target, device, xattrs } = passing.member;
    const hash = createHash('sha256');
    let size = 0;
    for await (const chunk of passing.stream()) {
      hash.update(chunk);
      size += chunk.length;
    }
    const isImplicit = /(^|\/)implicit(\/way)?$/.test(name);
    const own = {
      name,
      kind,
      mode,
      uid,
      gid,
      target,
      device,
      xattrs: [...xattrs],
      size,
      hash: hash.digest('hex'),
    };
    lines.push(JSON.stringify({ ...own, ...(!isImplicit && { mtime }) }));
  }
  return lines.sort();
}

async function exportDocker(start: () => Promise<ThrowawayEngine>): Promise<Exported> {
  const engine = await start();
  opened.push(engine);
  await engine.docker('load', '-q', '-i', bundle);
  const exported = new Map<string, readonly string[]>();
  for (const name of ['rules:1', ...made]) {
    const id = (await engine.docker('create', name, '/none')).trim();
    await engine.docker('export', '-o', join(folder, 'files.tar'), id);
    await engine.docker('rm', id);
    exported.set(name, await describeTar(join(folder, 'files.tar')));
    await engine.docker('history', '-q', name);
  }
  return exported;
}

/** Packed by GNU tar from where podman mounts it: with all xattrs and whole times, which no engine exports. */
async function exportPodman(): Promise<Exported> {
  const root = await mkdtemp('/tmp/bfs-');
  const podman = async (...args: readonly string[]): Promise<string> => {
    const own = ['--root', join(root, 'r'), '--runroot', join(root, 'rr'), '--storage-driver', 'overlay'];
    return (await run('podman', [...own, '--events-backend', 'none', ...args])).stdout.trim();
  };
  try {
    await podman('load', '-q', '-i', bundle);
    const exported = new Map<string, readonly string[]>();
    for (const name of ['rules:1', ...made]) {
      const id = await podman('create', `docker.io/library/${name}`, '/none');
      const mounted = await podman('mount', id);
      const tar = join(root, 'files.tar');
      const options = ['--format=posix', '--sort=name', '--numeric-owner', '--xattrs', '--xattrs-include=*'];
      await run('tar', ['-C', mounted, ...options, '-cf', tar, '.']);
      exported.set(name, await describeTar(tar));
      await podman('rm', '-f', id);
    }
    return exported;
  } finally {
    await unmountBelow(root);
    await rm(root, { recursive: true });
  }
}

/** Podman leaves its folder of layers mounted on itself, and the roots of its containers. */
async function unmountBelow(root: string): Promise<void> {
  const mounts = (await readFile('/proc/self/mounts', 'utf8'))
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '');
  for (const path of mounts.filter((one) => one.startsWith(`${root}/`)).reverse())
    await run('umount', [path]);
}

/** The lines of one rule, which has a folder of its own. */
function linesOf(exported: Exported, image: string, rule: string): string[] {
  return (exported.get(image) ?? []).filter(
    (line) => line.startsWith(`{"name":"${rule}"`) || line.startsWith(`{"name":"${rule}/`),
  );
}

describe.each<[string, () => Promise<Exported>]>([
  ['the installed docker', () => exportDocker(() => startEngine())],
  ['a newer docker with a graph driver', () => exportDocker(() => startNewerEngine('graph driver'))],
  ['a newer docker with a containerd store', () => exportDocker(() => startNewerEngine('containerd'))],
  ['podman', exportPodman],
])('on %s', (_, exportImages) => {
  let exported: Exported;
  beforeAll(async () => {
    exported = await exportImages();
  }, 180_000);

  describe.each(made)('%s shows what rules:1 does', (image) => {
    it.each(ruleNames)('%s', (rule) => {
      const before = linesOf(exported, 'rules:1', rule);
      expect(before.length).toBeGreaterThan(1);
      expect(linesOf(exported, image, rule)).toEqual(before);
    });
  });
});
