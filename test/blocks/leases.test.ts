import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openCache } from '../../src/blocks/cache.ts';
import { enterGate, findGate } from '../../src/blocks/gate.ts';
import { digestOf } from '../../src/digest.ts';
import { makeTempFolder } from '../support/temp-folder.ts';

const recipe = digestOf(Buffer.from('recipe'));

/** A process that holds the exclusive lock of `path` until it is killed. */
async function lockElsewhere(path: string): Promise<() => Promise<void>> {
  const child = spawn('flock', ['--exclusive', path, 'sh', '-c', 'echo locked; read _'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const end = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.stdin.end();
    await once(child, 'exit');
  };
  onTestFinished(end);
  await once(child.stdout, 'data');
  return end;
}

describe('leases', () => {
  it('are listed while they are held, and note when the recipe was used', async () => {
    const folder = await makeTempFolder();
    const cache = await openCache(folder);
    expect(await cache.findUseMs(recipe)).toBeUndefined();
    const beforeMs = Date.now();
    const lease = await cache.lease(recipe);
    const build = await cache.leaseBuild('xz6-crc64-5.4.1');
    const held = await cache.listLeases();
    expect(held.map(({ kind }) => kind).sort()).toEqual(['build', 'recipe']);
    expect(held).toContainEqual(expect.objectContaining({ kind: 'recipe', recipe }));
    expect(held).toContainEqual(expect.objectContaining({ kind: 'build', encoder: 'xz6-crc64-5.4.1' }));
    expect(await cache.findUseMs(recipe)).toBeGreaterThanOrEqual(beforeMs - 1);
    await lease[Symbol.asyncDispose]();
    await build[Symbol.asyncDispose]();
    expect(await cache.listLeases()).toEqual([]);
    expect(await readdir(join(folder, 'v1/leases'))).toEqual([]);
  });

  it('of a dead process count for nothing and are swept; those of a living one stay, also of an unknown kind', async () => {
    const folder = await makeTempFolder();
    const cache = await openCache(folder);
    await (await cache.lease(recipe))[Symbol.asyncDispose]();
    const dead = join(folder, 'v1/leases', `recipe.${recipe.slice(7)}.0123456789abcdef`);
    const alive = join(folder, 'v1/leases/of-another-version');
    await writeFile(dead, '');
    await writeFile(alive, '');
    const end = await lockElsewhere(alive);
    expect(await cache.listLeases()).toMatchObject([{ kind: 'unknown' }]);
    await openCache(folder);
    expect(await readdir(join(folder, 'v1/leases'))).toEqual(['of-another-version']);
    await end();
    expect(await cache.listLeases()).toEqual([]);
  });

  it('wait while somebody collects', async () => {
    const folder = await makeTempFolder();
    const cache = await openCache(folder);
    const gate = await enterGate(cache.root, { isAlone: true, timeoutMs: 0 });
    let isTaken = false;
    const taking = cache.lease(recipe).then((lease) => {
      isTaken = true;
      return lease;
    });
    expect(await findGate(cache.root, { isAlone: true, timeoutMs: 100 })).toBeUndefined();
    expect(isTaken).toBe(false);
    await gate[Symbol.asyncDispose]();
    await (await taking)[Symbol.asyncDispose]();
  });

  it('hold the whole cache where no lease can be written', async () => {
    const folder = await makeTempFolder();
    const cache = await openCache(folder);
    await writeFile(join(folder, 'v1/leases'), 'in the way');
    await expect(cache.lease(recipe)).rejects.toMatchObject({ code: 'cache-failed' });
    await using free = await enterGate(cache.root, { isAlone: true, timeoutMs: 0 });
    expect(free).toBeDefined();
  });
});
