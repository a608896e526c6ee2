/** What is made of images shows the same files as they do, on every engine and under every rule that these have for layers. */
import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { StreamByteReader } from '../../src/format/tar/byte-reader.ts';
import { walkLayer } from '../../src/format/tar/walk-layer.ts';
import { makeImage } from '../../sample/make-image.mjs';
import { packMembers } from '../fixtures/pack-members.ts';
import type { FixtureImage } from '../fixtures/sample-images.ts';
import { buildRuleImages, ruleNames } from '../fixtures/rule-images.ts';
import { writeHybridArchive } from '../fixtures/write-hybrid-archive.ts';
import { startContainerd } from '../product/stick/throwaway-containerd.ts';
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

/** Layers that every engine refuses, which other builders have made all the same; what they mean is plain. */
async function buildRefused(): Promise<FixtureImage> {
  const first = await packMembers([
    { name: 'd/', type: 'directory', mode: 0o700 },
    ...['d/old', 'd/kept', 'target', 'gone'].map((name) => ({ name, content: name })),
  ]);
  const second = await packMembers([
    // A link to a file of a lower layer.
    { name: 'link', type: 'link', linkname: 'target' },
    // One path twice.
    { name: 'twice', content: 'first' },
    { name: './twice', content: 'last' },
    // A whiteout behind what takes the place of the hidden file.
    { name: 'gone', content: 'back' },
    { name: '.wh.gone' },
    // A folder that is hidden, and has something new.
    { name: '.wh.d' },
    { name: 'd/new', content: 'new' },
  ]);
  return makeImage({ name: 'refused', tags: ['refused:1'], layers: [first, second] });
}

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

/** Packed by GNU tar where `mounted` is, with all xattrs and whole times, which no engine exports. */
async function describeMounted(mounted: string, tar: string): Promise<string[]> {
  const options = ['--format=posix', '--sort=name', '--numeric-owner', '--xattrs', '--xattrs-include=*'];
  // overlayfs lists whiteouts of nothing, and has no such files: tar says that they changed, by status 1.
  const pack = 'tar "$@" || [ $? = 1 ]';
  await run('sh', ['-c', pack, 'tar', '-C', mounted, ...options, '-cf', tar, '.']);
  return describeTar(tar);
}

/** What is in a store of podman's that `load` has put the bundle into: below `root`, in `r` and `rr`. */
async function exportPodman(load: (root: string, podman: Podman) => Promise<void>): Promise<Exported> {
  const root = await mkdtemp('/tmp/bfs-');
  const podman: Podman = async (...args) => {
    const own = ['--root', join(root, 'r'), '--runroot', join(root, 'rr'), '--storage-driver', 'overlay'];
    return (await run('podman', [...own, '--events-backend', 'none', ...args])).stdout.trim();
  };
  try {
    await load(root, podman);
    const exported = new Map<string, readonly string[]>();
    for (const name of ['rules:1', ...made]) {
      const id = await podman('create', `docker.io/library/${name}`, '/none');
      exported.set(name, await describeMounted(await podman('mount', id), join(root, 'files.tar')));
      await podman('rm', '-f', id);
    }
    return exported;
  } finally {
    await unmountBelow(root);
    await rm(root, { recursive: true });
  }
}

type Podman = (...args: readonly string[]) => Promise<string>;

async function loadWithPodman(_: string, podman: Podman): Promise<void> {
  await podman('load', '-q', '-i', bundle);
}

/** Into podman's store, for skopeo has none; it compares every layer with its digest on the way. */
async function loadWithSkopeo(root: string): Promise<void> {
  const store = `[overlay@${join(root, 'r')}+${join(root, 'rr')}]`;
  for (const name of ['rules:1', ...made]) {
    const places = [
      `docker-archive:${bundle}:${name}`,
      `containers-storage:${store}docker.io/library/${name}`,
    ];
    await run('skopeo', ['--insecure-policy', 'copy', '-q', ...places]);
  }
}

/** Which reads no xz. */
async function exportContainerd(): Promise<Exported> {
  await using containerd = await startContainerd();
  const tar = join(folder, 'plain.tar');
  await run('sh', ['-c', 'xz -dc "$1" > "$2"', 'sh', bundle, tar]);
  await containerd.ctr('images', 'import', tar);
  const exported = new Map<string, readonly string[]>();
  for (const [index, name] of ['rules:1', ...made].entries()) {
    // A snapshot is called after where it is mounted.
    const mounted = join(folder, `mounted-${index}`);
    await mkdir(mounted);
    await containerd.ctr('images', 'mount', `docker.io/library/${name}`, mounted);
    try {
      exported.set(name, await describeMounted(mounted, join(folder, 'files.tar')));
    } finally {
      await run('umount', [mounted]);
    }
  }
  return exported;
}

/** Podman leaves its folder of layers mounted on itself, and the roots of its containers. */
async function unmountBelow(root: string): Promise<void> {
  const mounts = (await readFile('/proc/self/mounts', 'utf8'))
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '');
  for (const path of mounts.filter((one) => one.startsWith(`${root}/`)).reverse())
    await run('umount', [path]);
}

describe('an image that every engine refuses', () => {
  it.each<[string, () => Promise<ThrowawayEngine>]>([
    ['the installed docker', () => startEngine()],
    ['a newer docker with a containerd store', () => startNewerEngine('containerd')],
  ])(
    'is squashed to one that loads into %s',
    async (_, start) => {
      const image = await buildRefused();
      await writeHybridArchive(join(folder, 'refused.tar'), [image]);
      await using engine = await start();
      await expect(engine.docker('load', '-i', join(folder, 'refused.tar'))).rejects.toThrow();
      const args = ['squash', 'refused:1', '--from', join(folder, 'refused.tar'), '-t', 'taken:1', '--into'];
      await runCliOk([...args, engine.host], { cache: join(folder, 'cache') });
      const id = (await engine.docker('create', 'taken:1', '/none')).trim();
      await engine.docker('export', '-o', join(folder, 'taken.tar'), id);
      const listed = (
        await run('tar', ['-tvf', join(folder, 'taken.tar'), 'd', 'link', 'target', 'twice', 'gone'])
      ).stdout;
      expect(
        listed
          .replace(/^(\S+) .* \d\d:\d\d /gm, '$1 ')
          .trim()
          .split('\n'),
      ).toEqual([
        'drwxr-xr-x d/',
        '-rw-r--r-- d/new',
        '-rw-r--r-- gone',
        '-rw-r--r-- link',
        'hrw-r--r-- target link to link',
        '-rw-r--r-- twice',
      ]);
      const { stdout } = await run('tar', [
        '-xOf',
        join(folder, 'taken.tar'),
        'd/new',
        'gone',
        'link',
        'twice',
      ]);
      expect(stdout).toBe('newbacktargetlast');
    },
    60_000,
  );
});

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
  ['podman', () => exportPodman(loadWithPodman)],
  ['podman, loaded by skopeo', () => exportPodman(loadWithSkopeo)],
  ['containerd', exportContainerd],
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
