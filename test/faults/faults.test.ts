/** A fixed sample of `npm run faults`: one call fails in a whole run, which ends as docs/errors.md says, or does without. */
import { mkdtempSync, rmSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type FaultScene,
  findWrong,
  makeScenes,
  readWhole,
  type Scenes,
  type Whole,
} from './fault-scenes.ts';
import { compileShim, type FaultCall, type FaultErrno } from './inject-fault.ts';
import { runCli } from '../support/run-cli.ts';
import { tryFault } from './try-fault.ts';

interface SampledFault {
  readonly call: FaultCall;
  readonly nth: number;
  readonly errno: FaultErrno;
  readonly status?: number;
}

/** Each early enough in its run that it stays there when a verb makes fewer calls; a call that did not come fails the test. */
const faults: Readonly<Record<string, readonly SampledFault[]>> = {
  build: [
    { call: 'read', nth: 1, errno: 'EIO', status: 4 },
    { call: 'open', nth: 60, errno: 'EMFILE' },
    { call: 'write', nth: 3, errno: 'ENOSPC' },
    { call: 'lock', nth: 1, errno: 'ENOLCK', status: 6 },
  ],
  stream: [{ call: 'read', nth: 20, errno: 'EIO' }],
  delta: [
    { call: 'open', nth: 40, errno: 'ENOMEM' },
    { call: 'sync', nth: 6, errno: 'EIO' },
  ],
  copy: [{ call: 'read', nth: 12, errno: 'EIO' }],
  diff: [{ call: 'read', nth: 5, errno: 'ENOMEM', status: 4 }],
  verify: [{ call: 'open', nth: 1, errno: 'EMFILE' }],
  inspect: [{ call: 'read', nth: 2, errno: 'EIO', status: 4 }],
  squash: [
    { call: 'mkdir', nth: 3, errno: 'ENOSPC' },
    { call: 'unlink', nth: 1, errno: 'EIO' },
  ],
  thin: [{ call: 'read', nth: 8, errno: 'EIO' }],
  cache: [{ call: 'list', nth: 4, errno: 'EACCES' }],
  mount: [
    { call: 'open', nth: 30, errno: 'EMFILE' },
    { call: 'read', nth: 6, errno: 'EIO' },
    { call: 'lock', nth: 1, errno: 'ENOLCK', status: 6 },
  ],
};

const folder = mkdtempSync('/tmp/bfs-faults-');
let scenes: Scenes;
let shim: string;
beforeAll(async () => {
  shim = compileShim(folder);
  scenes = await makeScenes(folder, Object.keys(faults), 6);
});
afterAll(async () => {
  await scenes[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

function getScene(verb: string): FaultScene {
  const scene = scenes.list.find((scene) => scene.verb === verb);
  if (scene === undefined) throw new Error(`there is no scene of ${verb}`);
  return scene;
}

describe.each(Object.keys(faults))('%s', (verb) => {
  let whole: Whole;
  beforeAll(async () => {
    whole = await readWhole(getScene(verb));
  });

  it.each(faults[verb] ?? [])('ends well or in words: $call $nth $errno', async (sampled) => {
    const { status, ...fault } = sampled;
    const isHealed = ['build', 'mount'].includes(verb) && sampled === faults[verb]?.[0];
    const { run, failed, fault: found } = await tryFault(shim, getScene(verb), fault, whole, { isHealed });
    expect(found, `${run.stderr} (${failed})`).toBeUndefined();
    expect(failed, 'no call failed').toBeDefined();
    if (status !== undefined) expect(run.status, run.stderr).toBe(status);
  });
});

describe('build', () => {
  it('ends well when the bundle is in its place, though the journal of past builds cannot be read', async () => {
    const scene = getScene('build');
    const whole = await readWhole(scene);
    await rm(scene.output ?? '');
    await rm(join(folder, 'cache/v1/builds'), { recursive: true });
    await writeFile(join(folder, 'cache/v1/builds'), '');
    const run = await runCli(scene.args, { env: scene.env });
    expect(run.stderr).toBe('');
    expect(run.status).toBe(0);
    expect(await findWrong(scene, run, whole)).toBeUndefined();
  });
});
