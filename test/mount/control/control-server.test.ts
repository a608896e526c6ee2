import { once } from 'node:events';
import { mkdir, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { BundleError } from '../../../src/ground/errors.ts';
import { askRefresh, askStatus } from '../../../src/mount/control/ask-mount.ts';
import { type ControlHandler, startControlServer } from '../../../src/mount/control/control-server.ts';
import type { RefreshRecord } from '../../../src/mount/control/status.ts';
import { waitUntil } from '../support/start-test-daemon.ts';
import { makeTempFolder } from '../../support/temp-folder.ts';

const signal = new AbortController().signal;
const refresh: RefreshRecord = {
  result: 'unchanged',
  reason: 'asked for',
  started: '',
  seconds: 0,
  generation: 1,
  encodedSize: 0,
  reusedSize: 0,
  changes: { added: [], removed: [], changed: [] },
};

async function serve(
  handler: ControlHandler,
  name = 'run/m.sock',
  requestTimeoutMs?: number,
): Promise<string> {
  const path = join(await makeTempFolder(), name);
  const server = await startControlServer(path, handler, {
    onError: () => undefined,
    ...(requestTimeoutMs && { requestTimeoutMs }),
  });
  onTestFinished(() => server[Symbol.asyncDispose]());
  return path;
}

/** Sends this, and returns all that comes back until the other side hangs up. */
async function talk(path: string, ...parts: (string | Buffer)[]): Promise<string> {
  const socket = connect(path);
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
  socket.on('error', () => undefined);
  for (const part of parts) socket.write(part);
  await new Promise((resolve) => socket.on('close', resolve));
  return text;
}

const answerRefresh: ControlHandler = (_request, answer) => {
  answer({ kind: 'progress', progress: { readSize: 1, encodedSize: 0, reusedSize: 0 } });
  answer({ kind: 'refreshed', refresh });
  return Promise.resolve();
};

it('answers a request, and only its user can reach it', async () => {
  const path = await serve(answerRefresh);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect((await stat(join(path, '..'))).mode & 0o777).toBe(0o700);
  const progress: number[] = [];
  const record = await askRefresh(path, { signal, onProgress: ({ readSize }) => progress.push(readSize) });
  expect(record).toEqual(refresh);
  expect(progress).toEqual([1]);
});

it('works below a path that is longer than a socket’s may be', async () => {
  const path = await serve(answerRefresh, `${'long'.repeat(30)}/run/m.sock`);
  expect(Buffer.byteLength(path)).toBeGreaterThan(107);
  expect(await askRefresh(path, { signal })).toEqual(refresh);
});

it('survives garbage, endless lines, other versions, silence, and whoever hangs up', async () => {
  let requestCount = 0;
  const path = await serve(
    (request, answer) => {
      requestCount++;
      return answerRefresh(request, answer);
    },
    'run/m.sock',
    300,
  );
  const refused = expect.stringContaining('the request is none of version 1') as string;
  expect(await talk(path, 'nonsense\n')).toEqual(refused);
  expect(await talk(path, Buffer.from([0xff, 0, 0xfe, 10]))).toEqual(refused);
  expect(await talk(path, '{"version":2,"request":"refresh"}\n')).toEqual(refused);
  expect(await talk(path, '{"version":1,"request":"shutdown"}\n')).toEqual(refused);
  expect(await talk(path, '[]\n')).toEqual(refused);
  expect(await talk(path, '\n')).toEqual(refused);
  expect(await talk(path, Buffer.alloc(1024 * 1024, 'x'))).toMatch(/^$|none of version 1/);
  expect(await talk(path, '{"version":1,')).toContain('no request within 0.3 seconds');
  const hasty = connect(path);
  hasty.write('{"version":1,"request":"refresh"}\n');
  hasty.destroy();
  const quiet = connect(path);
  await once(quiet, 'connect');
  quiet.destroy();
  expect(requestCount).toBeLessThanOrEqual(1);
  expect(await talk(path, '{"version":1,', '"request":"refresh"}\nand more')).toContain('"refreshed"');
});

it('takes no more connections at once than it can bear, and serves again when they have gone', async () => {
  const path = await serve(answerRefresh);
  const sockets = Array.from({ length: 100 }, () => connect(path).on('error', () => undefined));
  await waitUntil('most are turned away', () => sockets.filter((socket) => socket.closed).length >= 60);
  for (const socket of sockets) socket.destroy();
  await waitUntil('it serves', () =>
    askRefresh(path, { signal }).then(
      () => true,
      () => false,
    ),
  );
});

it('tells of a handler that fails, and of a daemon that is none, is gone, or speaks otherwise', async () => {
  const failing = await serve(() => Promise.reject(new BundleError('cache-full', 'Cannot write "x"')));
  await expect(askStatus(failing, { signal })).rejects.toMatchObject({
    code: 'mount-failed',
    message: 'Cannot ask the mount: Cannot write "x"',
  });
  const silent = await serve(() => Promise.resolve());
  await expect(askStatus(silent, { signal })).rejects.toThrow('hung up');
  await expect(askStatus(`${silent}.absent`, { signal })).rejects.toMatchObject({ code: 'not-mounted' });
  const other = await serve((_request, answer) => {
    answer({ kind: 'status', status: { format: 'of the future' } as never });
    return Promise.resolve();
  });
  await expect(askStatus(other, { signal })).rejects.toThrow('Cannot understand');
});

it('refuses a folder that is a file, and takes the place of a socket that a dead daemon left', async () => {
  const folder = await makeTempFolder();
  await mkdir(join(folder, 'run'));
  const path = join(folder, 'run/m.sock');
  await using first = await startControlServer(path, answerRefresh, { onError: () => undefined });
  await using second = await startControlServer(path, answerRefresh, { onError: () => undefined });
  expect(await askRefresh(second.path, { signal })).toEqual(refresh);
  await expect(
    startControlServer(join(first.path, 'x.sock'), answerRefresh, { onError: () => undefined }),
  ).rejects.toMatchObject({ code: 'mount-failed' });
});
