/** `squash`, `thin` and transforms of a project file as users meet them: what they make, what they say, what they refuse. */
import { execFile } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { epoch, makeImage, makeLayer, makeTree } from '../../sample/make-image.mjs';
import { digestOf } from '../../src/digest.ts';
import { packMembers } from '../fixtures/pack-members.ts';
import { buildSampleImages, type FixtureImage } from '../fixtures/sample-images.ts';
import { writeHybridArchive } from '../fixtures/write-hybrid-archive.ts';
import { runCli, runCliOk } from '../support/run-cli.ts';
import { makeTempFolder } from '../support/temp-folder.ts';
import { startEngine } from '../support/throwaway-engine.ts';

const run = promisify(execFile);
// Other tests may keep the machine busy.
const timeoutMs = 180_000;
vi.setConfig({ testTimeout: timeoutMs });
const fast = ['--no-config', '--preset', '0'];

interface Report {
  readonly image: {
    readonly names: readonly string[];
    readonly id: string;
    readonly layers: readonly string[];
  };
  readonly layer: { readonly diffId: string; readonly size: number; readonly storedSize: number };
  readonly bundle: { readonly sha256: string };
  readonly thinned?: { readonly replacedSize: number };
}

let folder: string;
const at = (name: string): string => join(folder, name);

/** A folder of 16.78 MB, all of whose files a fresh checkout has touched, and a line in one of which is another one. */
async function buildProject(): Promise<FixtureImage[]> {
  const base = await makeLayer([
    { name: 'etc/', type: 'directory' },
    { name: 'etc/version', content: Buffer.from('1\n') },
  ]);
  const tree = makeTree('app', { seed: 'project', count: 410, smallest: 1000, largest: 80_840, binary: 0.3 });
  const settings = (line: string, mtime: number) => ({
    name: 'app/settings',
    content: Buffer.from(line),
    mtime,
  });
  const old = await makeLayer([...tree, settings('colour=red\n', epoch)]);
  const fresh = tree.map((member) => ({ ...member, mtime: epoch + 60 }));
  const checkout = await makeLayer([...fresh, settings('colour=blue\n', epoch + 60)]);
  const edited = await makeLayer([...tree, settings('colour=blue\n', epoch + 60)]);
  return [
    makeImage({ name: 'old', tags: ['project:1'], layers: [base, old] }),
    makeImage({ name: 'edited', tags: ['project:2'], layers: [base, edited] }),
    makeImage({ name: 'checkout', tags: ['project:3'], layers: [base, checkout] }),
  ];
}

function withPlatform(image: FixtureImage, tag: string, change: object): FixtureImage {
  const config = { ...(JSON.parse(image.config.toString()) as object), ...change };
  return { ...image, tags: [tag], config: Buffer.from(JSON.stringify(config)) };
}

beforeAll(async () => {
  folder = await mkdtemp('/tmp/bfs-');
  const [web] = await buildSampleImages();
  if (web === undefined) throw new Error('no sample');
  const one = makeImage({ name: 'one', tags: ['odd:one'], layers: web.layers.slice(0, 1) });
  const hidden = await packMembers([{ name: 'a/.wh.' }]);
  const dangling = await packMembers([{ name: 'a', type: 'link', linkname: 'later' }, { name: 'later' }]);
  const emptied = await packMembers([{ name: '.wh..wh..opq' }]);
  const odd = [
    one,
    makeImage({ name: 'name', tags: ['odd:name'], layers: [...web.layers, hidden] }),
    makeImage({ name: 'link', tags: ['odd:link'], layers: [...web.layers, dangling] }),
    makeImage({ name: 'emptied', tags: ['odd:emptied'], layers: [...web.layers, emptied] }),
    withPlatform(web, 'odd:windows', { os: 'windows' }),
    withPlatform(web, 'odd:windows-older', { os: 'windows', author: 'somebody' }),
    withPlatform(web, 'odd:arm', { architecture: 'arm64' }),
  ];
  await writeHybridArchive(at('r1.tar'), [...(await buildSampleImages()), ...odd]);
  await writeHybridArchive(at('r2.tar'), await buildSampleImages({ revision: 2 }));
  await writeHybridArchive(at('project.tar'), await buildProject());
}, 60_000);
afterAll(() => rm(folder, { recursive: true }));

async function report(args: readonly string[], cache = at('cache')): Promise<Report> {
  const { stdout } = await runCliOk([...args, '--json', ...fast], { cache, timeoutMs });
  return JSON.parse(stdout.toString()) as Report;
}

function flattenWeb(): string[] {
  return ['squash', 'tiny/web:1.0', '--from', at('r1.tar'), '-t', 'tiny/web:flat'];
}

describe('bundlefs squash', () => {
  it('gives the same bytes from a cold cache, from a warm one, and a second time', async () => {
    const args = [...flattenWeb(), '-o', at('flat.tar.xz')];
    const first = await report(args);
    const again = await report(args);
    const cold = await report(args, at('cold'));
    expect([again.bundle.sha256, cold.bundle.sha256]).toEqual([first.bundle.sha256, first.bundle.sha256]);
    expect(first.image).toMatchObject({ names: ['tiny/web:flat'], layers: [first.layer.diffId] });
  });

  it.each([
    [['--last', '2'], 3],
    [['--from-layer', '2'], 2],
  ])('%j leaves the layers below as they are', async (options, count) => {
    const args = ['squash', 'tiny/web:1.0', '--from', at('r1.tar'), '-o', at('part.tar.xz'), ...options];
    const [web] = await buildSampleImages();
    const kept = web?.layers.slice(0, count - 1).map((layer) => digestOf(layer));
    const { image } = await report(args);
    expect(image.layers).toHaveLength(count);
    expect(image.layers.slice(0, -1)).toEqual(kept);
    expect(image.names).toEqual(['tiny/web:1.0']);
  });

  it('finds the first layer by the start of its diffId', async () => {
    const [web] = await buildSampleImages();
    const prefix = digestOf(web?.layers[2] ?? Buffer.alloc(0)).slice(0, 20);
    const args = [
      'squash',
      'tiny/web:1.0',
      '--from',
      at('r1.tar'),
      '-o',
      at('part.tar.xz'),
      '--from-layer',
      prefix,
    ];
    expect((await report(args)).image.layers).toHaveLength(3);
  });

  it('makes blocks again that were damaged before it read them', async () => {
    const cache = at('damaged');
    await runCliOk(['build', 'tiny/web:1.0', '--from', at('r1.tar'), '-o', at('b.tar.xz'), ...fast], {
      cache,
    });
    const blocks = (await readdir(cache, { recursive: true, withFileTypes: true })).filter(
      (one) => one.isFile() && one.parentPath.includes('/blocks/'),
    );
    expect(blocks.length).toBeGreaterThan(3);
    for (const { parentPath, name } of blocks) {
      const bytes = await readFile(join(parentPath, name));
      if (bytes.length < 2000) continue;
      bytes.writeUInt8(bytes.readUInt8(1000) ^ 1, 1000);
      await writeFile(join(parentPath, name), bytes);
    }
    const args = ['squash', 'tiny/web:1.0', '--from', at('r1.tar'), '-o', at('healed.tar.xz')];
    const wanted = await report(args, at('sound'));
    expect((await report(args, cache)).bundle.sha256).toBe(wanted.bundle.sha256);
  });

  it('loads into an engine, which tells of every step', async () => {
    await using engine = await startEngine();
    const { image } = await report([...flattenWeb(), '--into', engine.host]);
    expect((await engine.docker('inspect', '-f', '{{.Id}}', 'tiny/web:flat')).trim()).toBe(image.id);
    const history = await engine.docker('history', '--format', '{{.CreatedBy}}', 'tiny/web:flat');
    expect(history.trim().split('\n')).toHaveLength(6);
    expect(history.split('\n')[0]).toBe('bundlefs squash');
    await engine.docker('rm', (await engine.docker('create', 'tiny/web:flat', '/x')).trim());
  });

  it.each<[string, string[], number, RegExp]>([
    ['an image of one layer', ['odd:one', '-o', 'x'], 2, /it has one layer, two or more/],
    [
      'one layer of several',
      ['tiny/web:1.0', '--last', '1', '-o', 'x'],
      2,
      /1 of its 4 layers would become one/,
    ],
    [
      'more layers than there are',
      ['tiny/web:1.0', '--last', '9', '-o', 'x'],
      2,
      /the last 9 were asked for/,
    ],
    ['no layers', ['tiny/web:1.0', '--last', '0', '-o', 'x'], 2, /whole number from 1/],
    [
      'a layer that is not there',
      ['tiny/web:1.0', '--from-layer', 'ffff00', '-o', 'x'],
      2,
      /none of them start with "ffff00"\n.*\n1 {2}sha256:/,
    ],
    ['several images', ['tiny/*', '-o', 'x'], 2, /one image was expected, not a pattern/],
    ['nowhere to write to', ['tiny/web:1.0'], 2, /nothing says where the new image goes/],
    ['two places to write to', ['tiny/web:1.0', '-o', 'x', '--into', 'docker'], 2, /cannot be used with/],
    ['an image that is not there', ['tiny/wep:1.0', '-o', 'x'], 3, /Did you mean tiny\/web:1.0/],
    ['a name that says another file is gone', ['odd:name', '-o', 'x'], 5, /"a\/\.wh\." is a file there/],
    ['a hardlink to nothing', ['odd:link', '-o', 'x'], 5, /a hardlink "a" to "later", which is not there/],
    ['a whiteout of everything', ['odd:emptied', '-o', 'x'], 5, /a whiteout of all below the root/],
    ['an image for Windows', ['odd:windows', '-o', 'x'], 5, /it is for windows/],
  ])('refuses %s', async (_, args, status, message) => {
    const options = args.map((arg) => (arg === 'x' ? at('refused.tar.xz') : arg));
    const result = await runCli(['squash', '--from', at('r1.tar'), ...options, ...fast], {
      cache: at('cache'),
    });
    expect(result.stderr).toMatch(message);
    expect(result.status).toBe(status);
    expect(await readdir(folder)).not.toContain('refused.tar.xz');
  });
});

describe('bundlefs thin', () => {
  const project = (...args: string[]): string[] => [
    'thin',
    ...args,
    '--from',
    at('project.tar'),
    '--on',
    'project:1',
  ];

  it('makes a few hundred bytes of a folder of 16.78 MB that was added again for a few', async () => {
    const { image, layer, thinned } = await report(
      project('project:2', '-t', 'project:thin', '-o', at('thin.tar.xz')),
    );
    expect(thinned?.replacedSize).toBeGreaterThan(16_780_000);
    expect(layer.storedSize).toBeLessThan(600);
    expect(layer.size).toBeLessThan(4096);
    const bundle = at('thin.tar.xz');
    const config = await run('skopeo', ['inspect', '--config', `docker-archive:${bundle}`]);
    const { config: own } = JSON.parse(config.stdout) as { config: { Labels: Record<string, string> } };
    const [old, edited] = await buildProject();
    expect(own.Labels).toMatchObject({
      'bundlefs.thin.image': digestOf(edited?.config ?? Buffer.alloc(0)),
      'bundlefs.thin.on': digestOf(old?.config ?? Buffer.alloc(0)),
    });
    expect(image.layers.slice(0, -1)).toEqual(old?.layers.map((each) => digestOf(each)));
  });

  it('says what it would save and makes nothing', async () => {
    const result = await runCliOk([...project('project:2', '--dry-run'), ...fast], { cache: at('cache') });
    expect(result.stdout.toString()).toMatch(
      /^project:2 on project:1: a layer of 2\.\d kB in place of 1 layer of 16\.\d MB saves 16\.\d MB: 1 changed, 0 added, 0 removed\n$/,
    );
  });

  it('brings what differs in its times only, unless that is not to count', async () => {
    const dry = async (...more: string[]): Promise<{ layerSize: number; changes: object }> => {
      const { stdout } = await runCliOk([...project('project:3', '--dry-run', '--json', ...more), ...fast], {
        cache: at('cache'),
      });
      return JSON.parse(stdout.toString()) as { layerSize: number; changes: object };
    };
    expect((await dry()).changes).toMatchObject({ changed: 412, touched: 411 });
    const ignoring = await dry('--ignore-mtime');
    expect(ignoring.changes).toMatchObject({ changed: 1, touched: 0 });
    expect(ignoring.layerSize).toBeLessThan(4096);
    const refused = await runCli([...project('project:3', '-o', at('refused.tar.xz')), ...fast], {
      cache: at('cache'),
    });
    expect(refused.stderr).toMatch(
      /Cannot put "project:3" on "project:1": that would take a layer of \d+ bytes/,
    );
    expect(refused.status).toBe(2);
  });

  it('takes the older image from another place, and both from standard input', async () => {
    const args = ['thin', 'tiny/web:1.1', '--on', 'tiny/web:1.0', '-o', at('web.tar.xz')];
    const apart = await report([...args, '--from', at('r2.tar'), '--on-from', at('r1.tar')]);
    expect(apart.image.names).toEqual(['tiny/web:1.1']);
    expect(apart.layer.size).toBeLessThan(12_000);
    const input = [
      'thin',
      'project:2',
      '--on',
      'project:1',
      '--from',
      '-',
      '-o',
      at('p.tar.xz'),
      '--json',
      ...fast,
    ];
    const { stdout } = await runCliOk(input, {
      cache: at('cold'),
      timeoutMs,
      input: createReadStream(at('project.tar')),
    });
    expect((JSON.parse(stdout.toString()) as Report).image.names).toEqual(['project:2']);
  });

  it('makes an image of 125 layers, which an engine takes, and none of 126, which it does not', async () => {
    const big = { name: 'big', content: Buffer.alloc(20_000, 'big') };
    const layers = await Promise.all(
      Array.from({ length: 126 }, (_, index) =>
        makeLayer([
          { name: `file-${index}`, content: Buffer.from(String(index)) },
          ...(index === 0 ? [big] : []),
        ]),
      ),
    );
    const again = await makeLayer([big, { name: 'new', content: Buffer.from('new') }]);
    const below = layers.slice(0, 124);
    await writeHybridArchive(at('deep.tar'), [
      makeImage({ name: 'newer', tags: ['deep:newer'], layers: [...below, again] }),
      makeImage({ name: '124', tags: ['deep:124'], layers: below }),
      makeImage({ name: '125', tags: ['deep:125'], layers: layers.slice(0, 125) }),
    ]);
    const thin = ['thin', 'deep:newer', '--from', at('deep.tar'), '-t', 'deep:thin', '-o', at('deep.tar.xz')];
    expect((await report([...thin, '--on', 'deep:124'])).image.layers).toHaveLength(125);
    const refused = await runCli([...thin, '--on', 'deep:125', ...fast], { cache: at('cache') });
    expect([refused.status, refused.stderr]).toEqual([
      2,
      expect.stringMatching(
        /the older one has 125 layers, and engines take no more than 125\n.*Squash it first/,
      ),
    ]);
    await using engine = await startEngine();
    await engine.docker('load', '-q', '-i', at('deep.tar.xz'));
    await engine.docker('create', 'deep:thin', '/none');
    await writeHybridArchive(at('deeper.tar'), [makeImage({ name: '126', tags: ['deep:126'], layers })]);
    await expect(engine.docker('load', '-q', '-i', at('deeper.tar'))).rejects.toThrow(/max depth exceeded/);
  });

  it.each<[string, string[], number, RegExp]>([
    ['one image twice', ['tiny/web:1.0', '--on', 'tiny/web:latest'], 2, /they are one image/],
    [
      'images for two platforms',
      ['odd:arm', '--on', 'tiny/web:1.0'],
      2,
      /it is for linux\/arm64, the older one for linux\/amd64/,
    ],
    [
      'images for two systems',
      ['odd:windows', '--on', 'tiny/web:1.0'],
      2,
      /it is for windows\/amd64, the older one for linux\/amd64/,
    ],
    ['images for Windows', ['odd:windows', '--on', 'odd:windows-older'], 5, /only layers for linux/],
    ['what saves nothing', ['tiny/db:5', '--on', 'odd:one'], 2, /It is smaller as it is/],
    [
      'an older image that is not there',
      ['tiny/web:1.0', '--on', 'tiny/wep:1'],
      3,
      /Cannot find image "tiny\/wep:1"[^]*--on-from last\.tar\.xz/,
    ],
    ['a pattern for the older image', ['tiny/web:1.0', '--on', 'tiny/*'], 2, /one image was expected/],
    ['no older image', ['tiny/web:1.0'], 2, /required option '--on/],
    [
      'layers that say what nobody can unpack',
      ['odd:link', '--on', 'tiny/web:1.0'],
      5,
      /a hardlink "a" to "later", which is not there/,
    ],
    ['names that no layer can have', ['odd:name', '--on', 'tiny/web:1.0'], 5, /"a\/\.wh\." is a file there/],
  ])('refuses %s', async (_, args, status, message) => {
    const all = ['thin', ...args, '--from', at('r1.tar'), '-o', at('refused.tar.xz'), ...fast];
    const result = await runCli(all, { cache: at('cache') });
    expect(result.stderr).toMatch(message);
    expect(result.status).toBe(status);
    expect(await readdir(folder)).not.toContain('refused.tar.xz');
  });
});

describe('transforms in bundlefs.yaml', () => {
  async function write(transforms: readonly object[], more: object = {}): Promise<string[]> {
    const path = join(await makeTempFolder(), 'bundlefs.yaml');
    await writeFile(
      path,
      JSON.stringify({ from: at('r1.tar'), images: ['tiny/*'], preset: 0, transforms, ...more }),
    );
    return ['build', '--config', path, '-o', at('project.tar.xz'), '--json'];
  }
  async function build(transforms: readonly object[], more?: object): Promise<Map<string, number>> {
    const { stdout } = await runCliOk(await write(transforms, more), { cache: at('cache') });
    const { images } = JSON.parse(stdout.toString()) as { images: { names: string[]; layers: string[] }[] };
    return new Map(
      images.flatMap(({ names, layers }) => names.map((name) => [name, layers.length] as const)),
    );
  }

  it('takes the place of the image, or stands beside it, or takes one of its names', async () => {
    expect(await build([{ squash: 'tiny/worker:1.0' }])).toEqual(
      new Map([
        ['tiny/db:5', 2],
        ['tiny/web:1.0', 4],
        ['tiny/web:latest', 4],
        ['tiny/worker:1.0', 1],
      ]),
    );
    const beside = await build([{ squash: 'tiny/*:1.0', as: 'flat/*:1', keep: true, last: 2 }]);
    expect([beside.get('flat/web:1'), beside.get('flat/worker:1'), beside.get('tiny/web:1.0')]).toEqual([
      3, 3, 4,
    ]);
    const named = await build([{ squash: 'tiny/web:latest' }]);
    expect([named.get('tiny/web:latest'), named.get('tiny/web:1.0')]).toEqual([1, 4]);
  });

  it('go one after the other, and a thin image that saves nothing stays as it is', async () => {
    const names = await build([
      { squash: 'tiny/web:1.0', as: 'web:flat', keep: true },
      { thin: 'web:flat', on: 'tiny/db:5', as: 'web:thin' },
    ]);
    expect([names.get('web:flat'), names.get('web:thin')]).toEqual([undefined, 3]);
    expect((await build([{ thin: 'tiny/db:5', on: 'odd:one' }])).get('tiny/db:5')).toBe(2);
  });

  it.each<[string, object[], number, RegExp]>([
    [
      'an image that is not bundled',
      [{ squash: 'tiny/wep:1.0' }],
      3,
      /what is bundled does not have it\nDid you mean tiny\/web:1.0/,
    ],
    [
      'a key that is not there',
      [{ squash: 'a', lasst: 2 }],
      2,
      /"transforms\[0\]\.lasst" is not a key; did you mean "last"\?/,
    ],
    ['neither squash nor thin', [{ as: 'a' }], 2, /transforms/],
    [
      'two ways to say which layers',
      [{ squash: 'tiny/db:5', last: 2, fromLayer: 1 }],
      2,
      /the same in two ways/,
    ],
    ['a kept image of the same name', [{ squash: 'tiny/db:5', keep: true }], 2, /both would have one name/],
    [
      'a name that another image has',
      [{ squash: 'tiny/db:5', as: 'tiny/web:1.0' }],
      2,
      /Cannot name two images "tiny\/web:1.0"/,
    ],
  ])('refuse %s', async (_, transforms, status, message) => {
    const result = await runCli(await write(transforms), { cache: at('cache') });
    expect(result.stderr).toMatch(message);
    expect(result.status).toBe(status);
  });

  it('are for the images of the file: others need not be among those of the command line', async () => {
    const args = await write([{ squash: 'tiny/web:1.0' }]);
    const { stdout } = await runCliOk([...args, 'tiny/db:5'], { cache: at('cache') });
    expect(stdout.toString()).toContain('"names":["tiny/db:5"]');
  });
});
