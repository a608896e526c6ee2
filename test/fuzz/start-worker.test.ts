/** startWorker: cases that do not end or end the process are found, and the next one runs all the same. */
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { startWorker } from '../../fuzz/start-worker.ts';

const script = fileURLToPath(new URL('bad-worker.mjs', import.meta.url));
const worker = startWorker({ script, cpuLimitSeconds: 2, wallLimitSeconds: 8 });
afterAll(() => {
  worker.stop();
});

it.each([
  ['busy', /^it does not end: \d+ s, \d+ s of CPU$/],
  ['waits', /^it does not end: \d+ s, 0 s of CPU$/],
  ['aborts', /^the process ended with SIGABRT$/],
  ['exits', /^the process ended with status 3$/],
])('a case that %s is a finding, and the next one is right', async (kind, finding) => {
  const request = { index: 0, seed: '', folder: '' };
  const found = await worker.run({ ...request, kind });
  expect(found.finding).toMatch(finding);
  expect(await worker.run({ ...request, kind: 'right' })).toEqual({ changes: ['nothing'] });
});
