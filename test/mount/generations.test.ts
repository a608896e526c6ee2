/** Two generations under one path: who opened the old one reads the old one, who opens now reads the new one. */
import { open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { MountBench, waitUntil } from './support/start-test-daemon.ts';
import { archiveName, createArchive, passing } from './support/test-directory.ts';

let bench: MountBench;
beforeAll(async () => {
  bench = await MountBench.create();
});
afterAll(() => bench.remove());

test('a held handle keeps its generation, to the end of a longer file, and a new one has the next', async () => {
  const { mountPoint, pid } = await bench.mount();
  const path = join(mountPoint, archiveName);
  const [first, second] = [createArchive(1), createArchive(2)];
  const held = await open(path);
  const heldPassing = await open(join(mountPoint, passing.name));
  const start = Buffer.alloc(100_000);
  await held.read(start, { position: 0 });

  process.kill(pid, 'SIGUSR2');
  await waitUntil('generation 2 is there', async () => (await stat(path)).ino === 20);

  expect(second.content.equals(await readFile(path))).toBe(true);
  expect((await stat(path)).size).toBe(second.size);
  expect(first.size).toBeGreaterThan(second.size);

  const rest: Buffer[] = [];
  for (let position = start.length; ;) {
    const { bytesRead, buffer } = await held.read(Buffer.alloc(200_000), { position });
    if (bytesRead === 0) break;
    rest.push(buffer.subarray(0, bytesRead));
    position += bytesRead;
  }
  expect(first.content.equals(Buffer.concat([start, ...rest]))).toBe(true);
  expect(second.content.equals(await readFile(path))).toBe(true);

  await expect(open(join(mountPoint, `${passing.name}.absent`))).rejects.toMatchObject({ code: 'ENOENT' });
  await expect(open(join(mountPoint, passing.name))).rejects.toMatchObject({ code: 'ENOENT' });
  expect((await heldPassing.stat()).size).toBe(passing.size);
  const last = await heldPassing.read(Buffer.alloc(10), { position: passing.size - 3 });
  expect(last.bytesRead).toBe(3);
  await heldPassing.close();
  await held.close();
  await waitUntil('the path is gone with its last reader', () =>
    stat(join(mountPoint, passing.name)).then(
      () => false,
      () => true,
    ),
  );
});
