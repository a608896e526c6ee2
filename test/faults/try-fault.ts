/** One run with one fault, held against what a run without one prints and makes. */
import { runCli } from '../support/run-cli.ts';
import { type FaultScene, findWrong, type Whole } from './fault-scenes.ts';
import { type Fault, type FaultyRun, findFailed, findFaultyEnd, runWithFault } from './inject-fault.ts';

export interface TriedFault {
  readonly run: FaultyRun;
  /** The path that the call was about which failed; undefined where there were not so many. */
  readonly failed: string | undefined;
  /** What is wrong; undefined where nothing is. */
  readonly fault: string | undefined;
}

/** Runs `scene` with `fault`; with `isHealed`, once more without it, with what the first run left. */
export async function tryFault(
  shim: string,
  scene: FaultScene,
  fault: Omit<Fault, 'below'>,
  whole: Whole,
  { isHealed }: { readonly isHealed: boolean },
): Promise<TriedFault> {
  await scene.reset();
  const run = await runWithFault(shim, scene.args, { ...fault, below: scene.below }, scene.env);
  try {
    let wrong = findFaultyEnd(run, scene.below) ?? (await findWrong(scene, run, whole, fault.call));
    const failed = findFailed(shim); // now, because a mount may have failed when it was read
    if (wrong === undefined && isHealed && failed !== undefined) {
      await scene.end();
      const again = await runCli(scene.args, { env: scene.env, timeoutMs: 30_000 });
      wrong =
        again.status === 0
          ? await findWrong(scene, again, whole)
          : `the run after it ended with ${again.status}: ${again.stderr.split('\n')[0] ?? ''}`;
    }
    return { run, failed, fault: wrong };
  } finally {
    await scene.end();
  }
}
