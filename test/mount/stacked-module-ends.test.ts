/** Mounts that end while the module answers four readers: nobody gets wrong bytes, and no daemon crashes. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { unmountBundle } from '../../src/mount/fuse/unmount.ts';
import { MountBench } from './support/start-test-daemon.ts';
import { createTableFile } from './support/table-file.ts';

const name = 'images.tar.xz';
/** The third needs two requests for each read, the last is copied rather than spliced. */
const readSizes = ['131072', '1M', '200001', '4096'];

interface ReaderEnd {
  /** Of dd, or of sha256sum. */
  readonly status: number | null;
  readonly hash: string;
}

let bench: MountBench;
let folder: string;
let hash: string;

beforeAll(async () => {
  bench = await MountBench.create();
  folder = join(bench.folder, 'table');
  const blockSizes = Array.from({ length: 3000 }, (_, index) => 1000 + ((index * 7919) % 40_000));
  const table = createTableFile(folder, { blockSizes, glue: Buffer.from('head') });
  hash = createHash('sha256').update(table.bytesAt(0, table.size)).digest('hex');
});
afterAll(() => bench.remove());

/** Opens the file now and reads it to its end; the promise in the result is of how that went. */
async function startReader(path: string, readSize: string): Promise<{ readonly end: Promise<ReaderEnd> }> {
  const file = await open(path);
  const child = spawn('bash', ['-c', `set -o pipefail; dd bs=${readSize} status=none | sha256sum`], {
    stdio: [file.fd, 'pipe', 'ignore'],
  });
  let hash = '';
  child.stdout?.on('data', (text: Buffer) => (hash += text.toString().slice(0, 64)));
  const end = once(child, 'close').then(([status]): ReaderEnd => ({ status: status as number | null, hash }));
  await file.close();
  return { end };
}

/** A mount with readers half-way; `settle` waits for them and for the daemon, whose end it returns with theirs. */
async function startReading(isBusy: boolean): Promise<{
  readonly mountPoint: string;
  readonly kill: (signal: NodeJS.Signals) => void;
  readonly settle: () => Promise<{ readonly daemon: unknown[]; readonly readers: ReaderEnd[] }>;
}> {
  const mountPoint = await bench.createMountPoint();
  const daemon = bench.fork(mountPoint, { tables: { [name]: folder }, openFileLimit: 16, isBusy });
  const ended = once(daemon, 'exit');
  await once(daemon, 'message');
  const readers = await Promise.all(readSizes.map((size) => startReader(join(mountPoint, name), size)));
  return {
    mountPoint,
    kill: (signal) => daemon.kill(signal),
    settle: async () => ({
      readers: await Promise.all(readers.map(({ end }) => end)),
      daemon: await ended,
    }),
  };
}

/** Readers that got all, or failed: no third way. */
function expectNoWrongBytes(readers: readonly ReaderEnd[]): void {
  for (const { status, hash: seen } of readers) if (status === 0) expect(seen).toBe(hash);
}

test.each([false, true])(
  'a lazy unmount lets all readers read to the end, JavaScript busy: %s',
  async (isBusy) => {
    const { mountPoint, settle } = await startReading(isBusy);
    await unmountBundle(mountPoint, { lazy: true });
    const { daemon, readers } = await settle();
    expect(readers).toEqual(readSizes.map(() => ({ status: 0, hash })));
    expect(daemon).toEqual([0, null]);
  },
);

test.each([1, 2, 3])('a daemon that waits for nobody ends with status 0 all the same, round %i', async () => {
  const { kill, settle } = await startReading(false);
  kill('SIGTERM');
  kill('SIGINT');
  const { daemon, readers } = await settle();
  expectNoWrongBytes(readers);
  expect(daemon).toEqual([0, null]);
});

test('a daemon that is killed leaves readers that fail', async () => {
  const { kill, settle } = await startReading(false);
  kill('SIGKILL');
  const { daemon, readers } = await settle();
  expectNoWrongBytes(readers);
  expect(daemon).toEqual([null, 'SIGKILL']);
});
