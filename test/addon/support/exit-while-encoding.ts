/** A program that ends while blocks are being encoded: how, and after how many milliseconds, are its arguments. */
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { encodeBlock, liblzmaVersion } from '../../../src/addon/block-codec.ts';
import { textBytes } from './sample-bytes.ts';

const [, , how, delay] = process.argv;
const addonPath = fileURLToPath(new URL('../../../build/Release/bundlefs.node', import.meta.url));
const settings = { liblzma: liblzmaVersion(), preset: 9, extreme: true, check: 'crc64' } as const;

/** Some 3 s of work for a thread, in blocks of 0.3 s. */
async function encodeMany(): Promise<void> {
  const contents = Array.from({ length: 10 }, (_, index) => textBytes(600_000, String(index)));
  await Promise.all(contents.map((content) => encodeBlock(content, settings)));
}

/** Workers cannot load TypeScript here, so they call the addon itself. */
async function startWorker(): Promise<Worker> {
  const code = `
    const { parentPort, workerData } = require('node:worker_threads');
    const addon = require(workerData.addonPath);
    for (let count = 0; count < 20; count += 1) addon.startEncode(workerData.content, 9, 4, () => {});
    parentPort.postMessage('started');`;
  const worker = new Worker(code, { eval: true, workerData: { addonPath, content: textBytes(600_000) } });
  await once(worker, 'message');
  return worker;
}

async function terminateWorkers(): Promise<void> {
  const workers = await Promise.all([startWorker(), startWorker(), startWorker()]);
  const own = encodeMany();
  await new Promise((resolve) => setTimeout(resolve, Number(delay)));
  await Promise.all(workers.map((worker) => worker.terminate()));
  await own;
}

if (how === 'end') {
  await encodeMany();
} else if (how === 'terminate') {
  await terminateWorkers();
} else {
  void encodeMany();
  await new Promise((resolve) => setTimeout(resolve, Number(delay)));
  if (how === 'throw') throw new Error('uncaught on purpose');
  process.exit(0);
}
console.log('all are done');
