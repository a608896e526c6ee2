/** The wide campaign: `npm run faults -- [VERBS [STEP [CALLS]]]` lets every n-th call of every kind fail once in whole runs, and counts. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeScenes, readWhole, sceneVerbs } from './fault-scenes.ts';
import { compileShim, errnosOf, type FaultCall } from './inject-fault.ts';
import { tryFault } from './try-fault.ts';

/** After every so many faults the run is repeated without one: what was left must not stand in its way. */
const healEvery = 4;

const folder = mkdtempSync(join(tmpdir(), 'bundlefs-faults-'));
const wanted = process.argv[2]?.split(',') ?? sceneVerbs;
const step = Number(process.argv[3] ?? '1');
const calls = process.argv[4]?.split(',') ?? Object.keys(errnosOf);
let faultCount = 0;
try {
  const shim = compileShim(folder);
  await using scenes = await makeScenes(folder, wanted);
  for (const scene of scenes.list) {
    const whole = await readWhole(scene);
    let [runCount, sceneFaultCount] = [0, 0];
    for (const call of calls as FaultCall[]) {
      for (let nth = 1; ; nth += step) {
        const errnos = errnosOf[call];
        const errno = errnos[Math.floor(nth / step) % errnos.length] ?? 'EIO';
        const isHealed = runCount % healEvery === 0;
        const { failed, fault, run } = await tryFault(shim, scene, { call, errno, nth }, whole, { isHealed });
        if (failed === undefined) break;
        runCount += 1;
        if (fault === undefined) continue;
        sceneFaultCount += 1;
        const said = run.stderr.split('\n').slice(0, 3).join(' / ');
        console.log(
          `${scene.verb} ${call} ${nth} ${errno} ${failed}: ${fault}; status ${run.status}: ${said}`,
        );
      }
    }
    faultCount += sceneFaultCount;
    console.log(`${scene.verb}: ${runCount} runs, ${sceneFaultCount} findings`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = faultCount === 0 ? 0 : 1;
