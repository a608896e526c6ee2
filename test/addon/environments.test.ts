/** The addon in processes that end too early and in worker threads. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { crc64, encodeBlock, liblzmaVersion } from '../../src/addon/block-codec.ts';
import { loadAddon } from '../../src/addon/load-addon.ts';
import { textBytes } from './support/sample-bytes.ts';

const program = fileURLToPath(new URL('support/exit-while-encoding.ts', import.meta.url));

function runProgram(...args: readonly string[]): {
  status: number | null;
  signal: string | null;
  stdout: string;
} {
  const { status, signal, stdout } = spawnSync(process.execPath, ['--import', 'tsx', program, ...args], {
    encoding: 'utf8',
  });
  return { status, signal, stdout };
}

describe('a process with encodes under way', { timeout: 60_000 }, () => {
  it.each(['0', '5', '50', '150'])('exits cleanly by process.exit after %s ms', (delay) => {
    expect(runProgram('exit', delay)).toEqual({ status: 0, signal: null, stdout: '' });
  });

  it('ends with status 1, not by a signal, when something is thrown', () => {
    expect(runProgram('throw', '20')).toEqual({ status: 1, signal: null, stdout: '' });
  });

  it('stays until they are done, and then ends by itself', () => {
    expect(runProgram('end')).toEqual({ status: 0, signal: null, stdout: 'all are done\n' });
  });

  it.each(['10', '400'])('outlives workers that are terminated after %s ms', (delay) => {
    expect(runProgram('terminate', delay)).toEqual({ status: 0, signal: null, stdout: 'all are done\n' });
  });
});

describe('worker threads', () => {
  it('load the addon each for itself and make the same block', async () => {
    const content = textBytes(100_000);
    const { bytes } = await encodeBlock(content, {
      liblzma: liblzmaVersion(),
      preset: 2,
      extreme: false,
      check: 'sha256',
    });
    const code = `
      const { parentPort, workerData } = require('node:worker_threads');
      const addon = require(workerData.path);
      addon.startEncode(workerData.content, 2, 10, (status, bytes) => parentPort.postMessage({ status, bytes }));`;
    const path = fileURLToPath(new URL('../../build/Release/bundlefs.node', import.meta.url));
    expect(loadAddon()).toBe(loadAddon());
    const made = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const worker = new Worker(code, { eval: true, workerData: { path, content } });
        const message = await new Promise<{ status: number; bytes: Uint8Array }>((resolve, reject) => {
          worker.once('message', resolve);
          worker.once('error', reject);
        });
        await worker.terminate();
        return message;
      }),
    );
    for (const block of made) expect(block).toMatchObject({ status: 0 });
    expect(made.map((block) => crc64(block.bytes))).toEqual(Array.from({ length: 4 }, () => crc64(bytes)));
  });
});
