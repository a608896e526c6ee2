import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openCache } from '../../src/cache/cache.ts';
import { enterGate, findGate } from '../../src/cache/gate.ts';
import { digestOf } from '../../src/ground/digest.ts';
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

  it('hold also where nobody refers to them any more, as in a mount, which ends with its process', async () => {
    const cache = await openCache(await makeTempFolder());
    await cache.lease(recipe);
    await cache.leaseBuild('xz6-crc64-5.4.1');
    setFlagsFromString('--expose-gc');
    const collectMemory = runInNewContext('gc') as () => void;
    for (let round = 0; round < 20; round += 1) {
      collectMemory();
      await nextTurn();
    }
    expect(await cache.listLeases()).toHaveLength(2);
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

  it('hold the whole cache where none can be written', async () => {
    const folder = await makeTempFolder();
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', folder]);
    onTestFinished(() => {
      execFileSync('umount', [folder]);
    });
    await openCache(folder);
    execFileSync('mount', ['-o', 'remount,ro', folder]);
    const cache = await openCache(folder);
    const lease = await cache.lease(recipe);
    expect(await findGate(cache.root, { isAlone: true, timeoutMs: 0 })).toBeUndefined();
    await using another = await cache.lease(recipe); // does not exclude others like it
    expect(another).toBeDefined();
    await lease[Symbol.asyncDispose]();
    await another[Symbol.asyncDispose]();
    await using alone = await findGate(cache.root, { isAlone: true, timeoutMs: 0 });
    expect(alone).toBeDefined();
  });

  it('fail with cache-failed where something is in the way, and let the cache go', async () => {
    const folder = await makeTempFolder();
    const cache = await openCache(folder);
    await writeFile(join(folder, 'v1/leases'), 'in the way');
    await expect(cache.lease(recipe)).rejects.toMatchObject({ code: 'cache-failed' });
    await using alone = await enterGate(cache.root, { isAlone: true, timeoutMs: 0 });
    expect(alone).toBeDefined();
  });
});
