/** The wide campaign: `npm run faults -- [SCENES]` lets every call of every kind fail once in whole runs, and counts. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endScene, findHalfMade, makeScenes, readWhole } from './fault-scenes.ts';
import { compileShim, errnosOf, type FaultCall, findFaultyEnd, runWithFault } from './inject-fault.ts';

const folder = mkdtempSync(join(tmpdir(), 'bundlefs-faults-'));
const wanted = process.argv[2]?.split(',');
const step = Number(process.argv[3] ?? '1');
let [runCount, faultCount] = [0, 0];
try {
  const shim = compileShim(folder);
  for (const scene of await makeScenes(folder)) {
    if (wanted?.includes(scene.verb) === false) continue;
    const whole = await readWhole(scene);
    for (const call of Object.keys(errnosOf) as FaultCall[]) {
      for (let nth = 1; ; nth += step) {
        const errnos = errnosOf[call];
        const errno = errnos[Math.floor(nth / step) % errnos.length] ?? 'EIO';
        await scene.reset();
        const run = await runWithFault(shim, scene.args, { call, errno, nth, below: scene.below });
        if (run.failed === undefined) break;
        runCount += 1;
        const fault =
          findFaultyEnd(run, [folder]) ?? (run.status === 0 ? undefined : await findHalfMade(scene, whole));
        await endScene(scene);
        if (fault === undefined) continue;
        faultCount += 1;
        console.log(
          `${scene.verb} ${call} ${nth} ${errno} ${run.failed}: ${fault}; status ${run.status}: ${run.stderr.split('\n').slice(0, 3).join(' / ')}`,
        );
      }
    }
    console.log(`${scene.verb}: ${runCount} runs, ${faultCount} faults so far`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = faultCount === 0 ? 0 : 1;
