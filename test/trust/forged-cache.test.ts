/** What another user or machine wrote to a cache is not believed: whatever was forged in it, the bundle is the one of an empty cache. */
import { copyFile, cp, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildSampleImages } from '../fixtures/sample-images.ts';
import { writeHybridArchive } from '../fixtures/write-hybrid-archive.ts';
import { runCli, runCliOk } from '../support/run-cli.ts';
import { makeTempFolder } from '../support/temp-folder.ts';
import {
  forgeBlock,
  forgeFrame,
  listAll,
  readDocument,
  readLayers,
  readRecord,
  toRow,
  writeDocument,
} from './forge.ts';

/** Each changes the cache whose format folder is `root`, which another user has filled. `isFound`: cache verify tells of it. */
const forgeries: readonly (readonly [
  name: string,
  forge: (root: string) => Promise<void>,
  isFound?: false,
])[] = [
  [
    'a record with the blocks of another layer',
    async (root) => {
      const [first, second] = await readLayers(root);
      if (first === undefined || second === undefined) throw new TypeError('There are no two layers');
      await writeDocument(first.path, { ...first.document, blocks: second.document.blocks });
    },
  ],
  [
    'a record with its blocks in another order',
    async (root) => {
      const [first] = await readLayers(root);
      if (first === undefined) throw new TypeError('There is no layer');
      await writeDocument(first.path, { ...first.document, blocks: [...first.document.blocks].reverse() });
    },
  ],
  [
    'a record with one block exchanged, and that block',
    async (root) => {
      const [first] = await readLayers(root);
      const row = first?.document.blocks[1];
      if (first === undefined || row === undefined) throw new TypeError('There are no two blocks');
      const path = (await listAll(join(root, 'blocks'))).find((one) => one.endsWith(row[0])) ?? '';
      first.document.blocks[1] = toRow(await forgeBlock(path));
      await writeDocument(first.path, first.document);
    },
  ],
  [
    'a record with a wrong unpadded size, which the index would have',
    async (root) => {
      for (const { path, document } of await readLayers(root)) {
        const blocks = document.blocks.map(([key, unpadded, ...rest]) => [
          key,
          unpadded % 4 === 0 ? unpadded - 1 : Math.ceil(unpadded / 4) * 4,
          ...rest,
        ]);
        await writeDocument(path, { ...document, blocks });
      }
    },
  ],
  [
    'a record without blocks',
    async (root) => {
      const [first] = await readLayers(root);
      if (first === undefined) throw new TypeError('There is no layer');
      await writeDocument(first.path, { ...first.document, blocks: [] });
    },
  ],
  [
    'every block, with other content under its name',
    async (root) => {
      for (const path of await listAll(join(root, 'blocks'))) await forgeBlock(path);
    },
  ],
  [
    'every block, and every record to go with them',
    async (root) => {
      const rows = new Map<string, ReturnType<typeof toRow>>();
      for (const path of await listAll(join(root, 'blocks'))) {
        const record = await forgeBlock(path);
        rows.set(record.key, toRow(record));
      }
      for (const { path, document } of await readLayers(root)) {
        await writeDocument(path, {
          ...document,
          blocks: document.blocks.map((row) => rows.get(row[0]) ?? row),
        });
      }
    },
  ],
  [
    'blocks that no layer names, those of tar headers',
    async (root) => {
      const named = new Set(
        (await readLayers(root)).flatMap(({ document }) => document.blocks.map(([key]) => key)),
      );
      for (const path of await listAll(join(root, 'blocks'))) {
        if (!named.has(path.slice(-64))) await forgeBlock(path);
      }
    },
  ],
  [
    'frames',
    async (root) => {
      for (const path of await listAll(join(root, 'frames'))) await forgeFrame(path);
    },
  ],
  [
    'configs in the places of others',
    async (root) => {
      const configs = await listAll(join(root, 'configs'));
      for (const path of configs.slice(1)) await copyFile(configs[0] ?? '', path);
    },
    false,
  ],
  [
    'recipes with the sums of other bundles',
    async (root) => {
      for (const path of await listAll(join(root, 'recipes'))) {
        const recipe = (await readDocument(path)) as { bundle: { sha256: string } };
        await writeDocument(path, { ...recipe, bundle: { ...recipe.bundle, sha256: 'ab'.repeat(32) } });
      }
    },
    false,
  ],
  [
    'recipes in the places of others, and a journal that is gone',
    async (root) => {
      const [recipe = ''] = await listAll(join(root, 'recipes'));
      await rename(recipe, join(root, 'recipes', `${'0'.repeat(64)}.json`));
      for (const path of await listAll(join(root, 'builds'))) await writeFile(path, 'no document\n');
    },
    false,
  ],
];

let folder: string;
let archive: string;
let good: Buffer;
let goodZst: Buffer;

/** Builds as a user who has filled no cache yet. */
async function build(cache: string, user: string): Promise<{ xz: Buffer; zst: Buffer; stderr: string }> {
  const env = { XDG_STATE_HOME: join(cache, '..', `state-${user}`) };
  const [xz, zst] = [`${cache}-${user}.tar.xz`, `${cache}-${user}.tar.zst`];
  const { stderr } = await runCliOk(['build', '--from', archive, '--preset', '0', '-o', xz], { cache, env });
  await runCliOk(['build', '--from', archive, '--preset', '0', '-o', zst], { cache, env });
  return { xz: await readFile(xz), zst: await readFile(zst), stderr };
}

describe('a cache that another user has filled', { timeout: 300_000 }, () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'bfs-forged-'));
    archive = join(folder, 'images.tar');
    await writeHybridArchive(archive, await buildSampleImages());
    ({ xz: good, zst: goodZst } = await build(join(folder, 'cache'), 'alice'));
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('is checked once, and makes the same bundle', async () => {
    const cache = join(await makeTempFolder(), 'cache');
    await cp(join(folder, 'cache'), cache, { recursive: true });
    const first = await build(cache, 'bob');
    expect(first.xz.equals(good)).toBe(true);
    expect(first.stderr).toMatch(/^bundlefs: checked \d+ layers, .*, that another user or machine wrote/m);
    const second = await build(cache, 'bob');
    expect(second.xz.equals(good)).toBe(true);
    expect(second.stderr).not.toMatch(/checked/);
  });

  it.each(forgeries.map(([name, forge, isFound = true]) => ({ name, forge, isFound })))(
    'makes the same bundle in spite of $name',
    async ({ forge, isFound }) => {
      const cache = join(await makeTempFolder(), 'cache');
      await cp(join(folder, 'cache'), cache, { recursive: true });
      await forge(join(cache, 'v1'));
      const state = { XDG_STATE_HOME: join(cache, '../state-verifier') };
      const verified = await runCli(['cache', 'verify'], { cache, env: state });
      expect(verified.status).toBe(isFound ? 6 : 0);
      const { xz, zst } = await build(cache, 'bob');
      expect(xz.equals(good)).toBe(true);
      expect(zst.equals(goodZst)).toBe(true);
      await runCliOk(['cache', 'verify'], { cache, env: { XDG_STATE_HOME: join(cache, '../state-bob') } });
    },
  );

  it('is not believed later, either: a block that was exchanged after it had been checked', async () => {
    const cache = join(await makeTempFolder(), 'cache');
    await cp(join(folder, 'cache'), cache, { recursive: true });
    await build(cache, 'bob');
    for (const path of await listAll(join(cache, 'v1/blocks'))) {
      const before = await readRecord(path);
      expect(await forgeBlock(path)).not.toEqual(before);
    }
    expect((await build(cache, 'bob')).xz.equals(good)).toBe(true);
  });

  it('gives a clear error where the source cannot make again what was forged', async () => {
    const cache = join(await makeTempFolder(), 'cache');
    await cp(join(folder, 'cache'), cache, { recursive: true });
    const recipe = join(cache, '../recipe.json');
    const env = { XDG_STATE_HOME: join(cache, '../state') };
    const described = await runCliOk(['describe', '--from', archive], { cache, env });
    await writeFile(recipe, described.stdout.toString().replace(/\n\s*"source": .*/, ''));
    for (const path of await listAll(join(cache, 'v1/blocks'))) await forgeBlock(path);
    const output = join(cache, '../o.tar.xz');
    const result = await runCli(['build', '--from', `recipe:${recipe}`, '--preset', '0', '-o', output], {
      cache,
      env: { XDG_STATE_HOME: join(cache, '../state-bob') },
    });
    expect(result.status).not.toBe(0);
    expect(result.stderr).toMatch(/^bundlefs: Cannot /);
  });
});
