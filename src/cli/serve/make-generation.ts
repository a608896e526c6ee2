/** What `mount-worker <task, in JSON>` does: it makes a generation for a daemon. */
import { writeFile } from '../../disk/named-files.ts';
import { openCache } from '../../cache/cache.ts';
import { parseDigest } from '../../ground/digest.ts';
import { BundleError } from '../../ground/errors.ts';
import { toWorkerFailure, type WorkerMessage } from '../../mount/live/worker-message.ts';
import { chooseImages } from '../../request/made/selection.ts';
import type { WorkerTask } from './mount-settings.ts';
import { prepareMount } from './prepare-mount.ts';

const [taskJson = ''] = process.argv.slice(2);
const task = JSON.parse(taskJson) as WorkerTask;
const progressIntervalMs = 500;

const ending = new AbortController();
const stop = (): void => {
  ending.abort(new BundleError('interrupted', 'Cannot make the bundle: it is wanted no more'));
};
for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(name, stop);
const released = new Promise<void>((resolve) => {
  process.on('disconnect', () => {
    stop();
    resolve();
  });
  if (!process.connected) resolve();
});

// Where memory is short, this process is to go, and not the mount.
await writeFile('/proc/self/oom_score_adj', '500').catch(() => undefined);

process.exit(await run());

async function run(): Promise<0 | 1> {
  try {
    const cache = await openCache(task.cachePath);
    const { given, uncheckedRecipe } = task;
    const { selection, options } = await chooseImages(given.images, given);
    await using held = await prepareMount(selection, { ...task.options, ...options }, cache, ending.signal, {
      verb: task.verb,
      trustsChecks: task.verb === 'mount', // a refresh is how damage is mended
      onProgress: tellSometimes(),
      onCollected: (text) => void tell({ kind: 'note', text }),
      onLeftOut: (text) => void tell({ kind: 'note', text }),
      ...(uncheckedRecipe !== undefined && {
        uncheckedRecipe: parseDigest(uncheckedRecipe, 'the recipe that is shown'),
      }),
    });
    await tell({ kind: 'prepared', prepared: held });
    await released; // the daemon has opened it
    return 0;
  } catch (error) {
    await tell(toWorkerFailure(error));
    return 1;
  }
}

function tellSometimes(): (progress: (WorkerMessage & { kind: 'progress' })['progress']) => void {
  let toldMs = -Infinity;
  return (progress) => {
    if (performance.now() - toldMs < progressIntervalMs) return;
    toldMs = performance.now();
    void tell({ kind: 'progress', progress });
  };
}

/** A daemon that is gone need not be told. */
function tell(message: WorkerMessage): Promise<void> {
  return new Promise((resolve) => {
    if (!process.connected || process.send === undefined) resolve();
    else
      process.send(message, undefined, {}, () => {
        resolve();
      });
  });
}
