/** Starts the mount that its settings describe: what both the background and the foreground mount do. */
import { isStandardInput } from '../../place/place.ts';
import { fileURLToPath } from 'node:url';
import { openCache } from '../../cache/cache.ts';
import { BundleError, describeError } from '../../ground/errors.ts';
import { LiveMount } from '../../mount/live/live-mount.ts';
import type { Log } from '../../mount/control/log.ts';
import { type HeldGeneration, runWorker, type RunWorkerOptions } from '../../mount/live/run-worker.ts';
import type { MountSettings, WorkerTask } from './mount-settings.ts';
import { createGenerationOpener } from './open-generation.ts';
import { chosenPartSize } from '../../request/part-size.ts';
import { readVersion } from '../../request/version.ts';
import { chosenViewCache } from '../options/view-options.ts';
import { defaultZstLevel } from '../../bundle/zst/zst-profile.ts';

/** Mounts the bundle of the kept recipe `recipe`. Throws block-missing where it is not kept, and what mounting throws. */
export async function startLiveMount(
  settings: MountSettings,
  recipe: string,
  { log, signal }: { readonly log: Log; readonly signal: AbortSignal },
): Promise<LiveMount> {
  const { mountPoint, allowOther, watch, logPath, metricsPath, options, deltaFrom } = settings;
  const cache = await openCache(settings.cachePath);
  const opener = createGenerationOpener(cache, {
    ...chosenPartSize(options),
    deltaFrom,
    views: options.view ?? [],
    viewCacheSize: chosenViewCache(options),
    zstLevel: options.zstLevel ?? defaultZstLevel,
    viewSpillSize: options.viewSpill,
    onSpillFailure: (error) => {
      log.warn(`decoded blocks of views get no more disk than they have: ${describeError(error)}`);
    },
  });
  return LiveMount.start({
    mountPoint,
    version: readVersion(),
    allowOther,
    recipe,
    openGeneration: (digest) => opener.open(digest),
    prepare: ({ knownRecipe, isThorough, ...request }) => {
      if (isStandardInput(options.from)) throw notAgain();
      return prepareElsewhere(settings, isThorough ? {} : { uncheckedRecipe: knownRecipe }, {
        ...request,
        niceness: isThorough ? 0 : settings.niceness, // somebody waits for what they asked for
        onNote: (text) => {
          log.info(text);
        },
        onOutput: (line) => {
          log.warn(`from the process that makes the bundle: ${line}`);
        },
      });
    },
    log,
    environment: process.env,
    signal,
    watch,
    logPath,
    metricsPath,
  });
}

/** Makes the bundle in a process of its own. */
export function prepareElsewhere(
  { folder, cachePath, given, options }: MountSettings,
  task: Pick<WorkerTask, 'uncheckedRecipe'> & { readonly verb?: string },
  run: Omit<RunWorkerOptions, 'folder'>,
): Promise<HeldGeneration> {
  const script = fileURLToPath(new URL('./mount-worker.js', import.meta.url));
  const whole: WorkerTask = { cachePath, given, options, verb: 'refresh', ...task };
  return runWorker(script, whole, { ...run, folder });
}

function notAgain(): BundleError {
  return new BundleError(
    'invalid-argument',
    'Cannot refresh the mount: its images came from standard input, which is read',
    { hint: 'Mount again with new input, or from an archive: --from FILE' },
  );
}
