/** What `bundlefs mount` does. */
import { isStandardInput } from '../../../place/place.ts';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeOwnFolder } from '../../../disk/make-folder.ts';
import { BundleError, describeError } from '../../../ground/errors.ts';
import type { LiveMount } from '../../../mount/live/live-mount.ts';
import { chooseLogFormat, createLog, type Log } from '../../../mount/control/log.ts';
import { checkMetricsFolder } from '../../../mount/control/metrics.ts';
import { logPathOf } from '../../../mount/control/mount-places.ts';
import type { HeldGeneration } from '../../../mount/live/run-worker.ts';
import type { RefreshProgress } from '../../../mount/control/status.ts';
import type { PreparedGeneration } from '../../../mount/live/worker-message.ts';
import { checkUser } from '../../../mount/fuse/check-user.ts';
import { loadFuse } from '../../../mount/fuse/fuse-library.ts';
import { prepareMountPoint } from '../../../mount/fuse/mount-point.ts';
import { serveMount } from '../../../mount/fuse/serve-mount.ts';
import { startDaemon } from '../../../mount/fuse/start-daemon.ts';
import { printJson, printLines, warnLines } from '../../../ground/print.ts';
import type { GivenSelection, Selection } from '../../../request/resolve-selection.ts';
import { chooseBase, referTo } from '../../../request/made/base.ts';
import { openChosenCache } from '../../../request/made/bundle.ts';
import { formatSize } from '../../../ground/format-text.ts';
import type { MountSettings } from '../../serve/mount-settings.ts';
import { type MountChoice, prepareMount } from '../../serve/prepare-mount.ts';
import { sourceEngine, sourceFiles } from '../../../request/made/inputs.ts';
import { startProgress } from '../../../request/made/progress.ts';
import { prepareElsewhere, startLiveMount } from '../../serve/start-live-mount.ts';

export interface MountOptions extends MountChoice {
  readonly foreground?: boolean;
  readonly allowOther?: boolean;
  readonly watch?: boolean;
  /** In milliseconds. */
  readonly settle: number;
  readonly nice: number;
  readonly log: 'text' | 'json';
  readonly metrics?: string;
  /** The base of a delta to show beside the bundle, as for `delta --base`. */
  readonly deltaFrom?: string;
  readonly json?: boolean;
}

/** How long a generation may wait for the end of a row of changes, at the least. */
const changesLimitMs = 30_000;

/** Makes the bundle and mounts it, in the background or here, where it returns when the mount has ended. */
export async function runMount(
  given: GivenSelection,
  selection: Selection,
  mountPoint: string,
  options: MountOptions,
  signal: AbortSignal,
): Promise<void> {
  if ((options.watch === true || options.foreground === true) && selection.hasReadInput) {
    throw new BundleError(
      'invalid-argument',
      'Cannot take the list of images from standard input here: it is read again for each new bundle',
      {
        hint: 'Write the list to a file, and name that with --images-file.',
      },
    );
  }
  if (options.watch === true && isStandardInput(options.from)) {
    throw new BundleError('invalid-argument', 'Cannot watch standard input: it can be read once only', {
      hint: 'Leave out --watch, or name an archive with --from: it is looked at again when it changes.',
    });
  }
  await loadFuse(); // what is missing should show before minutes of encoding
  const realPath = await prepareMountPoint(mountPoint, { signal });
  await checkUser(realPath, { allowOther: options.allowOther === true });
  const settings = await chooseSettings(given, selection, realPath, options, signal);
  const announce = ({ report, summary }: PreparedGeneration): void => {
    if (options.json === true) printJson({ mountPoint: realPath, ...report });
    else printLines([`${realPath}: ${summary}`]);
  };
  if (options.foreground === true) await serveHere(settings, signal, announce);
  else await serveInBackground(settings, selection, signal, announce);
}

async function chooseSettings(
  given: GivenSelection,
  selection: Selection,
  mountPoint: string,
  options: MountOptions,
  signal: AbortSignal,
): Promise<MountSettings> {
  const {
    from,
    preset,
    check,
    platform,
    skipUnloadable,
    maxFileSize,
    media,
    view,
    viewCache,
    viewSpill,
    zstLevel,
    settle,
    deltaFrom,
  } = options;
  const metricsPath = options.metrics === undefined ? undefined : resolve(options.metrics);
  if (metricsPath !== undefined) await checkMetricsFolder(metricsPath);
  const cache = await openChosenCache(options);
  const { path: cachePath } = cache;
  const engine = sourceEngine(from);
  return {
    mountPoint,
    folder: process.cwd(),
    cachePath,
    given,
    options: {
      preset,
      check,
      from,
      platform,
      skipUnloadable,
      maxFileSize,
      media,
      view,
      viewCache,
      viewSpill,
      zstLevel,
    },
    // What is wrong with it should show before minutes of encoding.
    deltaFrom:
      deltaFrom === undefined
        ? undefined
        : referTo(await chooseBase([deltaFrom], options, cache, signal), deltaFrom),
    allowOther: options.allowOther === true,
    niceness: options.nice,
    watch:
      options.watch === true
        ? {
            files: [...sourceFiles(from), ...selection.files],
            quietMs: settle,
            limitMs: Math.max(changesLimitMs, settle),
            engine,
          }
        : undefined,
    logFormat: options.log,
    logPath: options.foreground !== true ? await prepareLogPath(mountPoint) : undefined,
    metricsPath,
  };
}

/** The first bundle, too, is made in another process: what it needs of memory should not stay with the mount. */
async function serveHere(
  settings: MountSettings,
  signal: AbortSignal,
  announce: (prepared: PreparedGeneration) => void,
): Promise<void> {
  const log = createLog({ format: chooseLogFormat(settings.logFormat, process.env) });
  const live = await startForeground(settings, log, signal, announce);
  process.chdir('/'); // or the folder it was started in could not be unmounted
  await serveMount(live.mount, { signal });
  await live.close();
  process.exit(0); // libfuse's threads would keep the process alive
}

async function startForeground(
  settings: MountSettings,
  log: Log,
  signal: AbortSignal,
  announce: (prepared: PreparedGeneration) => void,
): Promise<LiveMount> {
  await using prepared = await prepareForeground(settings, signal);
  const live = await startLiveMount(settings, prepared.recipe, { log, signal });
  announce(prepared);
  return live;
}

async function prepareForeground(settings: MountSettings, signal: AbortSignal): Promise<HeldGeneration> {
  using progress = startProgress({ label: 'reading' });
  return await prepareElsewhere(
    settings,
    { verb: 'mount' },
    {
      signal,
      niceness: 0,
      hasInput: isStandardInput(settings.options.from),
      onProgress: ({ readSize, totalSize, encodedSize, reusedSize }: RefreshProgress) => {
        const note = `encoded ${formatSize(encodedSize)}, reused ${formatSize(reusedSize)}`;
        progress.show(readSize, totalSize, note);
      },
      onNote: (text) => {
        warnLines([`bundlefs: ${text}`]);
      },
      onOutput: (line) => {
        warnLines([line]);
      },
    },
  );
}

/** The daemon is started at once, and told the recipe when that is ready. */
async function serveInBackground(
  settings: MountSettings,
  selection: Selection,
  signal: AbortSignal,
  announce: (prepared: PreparedGeneration) => void,
): Promise<void> {
  const { options, logPath = '' } = settings;
  const cache = await openChosenCache({ cache: settings.cachePath });
  const givingUp = new AbortController();
  const wanted = AbortSignal.any([signal, givingUp.signal]);
  const preparing = prepareMount(selection, options, cache, wanted, { verb: 'mount', trustsChecks: true });
  const script = fileURLToPath(new URL('./mount-daemon.js', import.meta.url));
  const order = preparing.then(({ recipe }) => recipe);
  try {
    await startDaemon(script, [JSON.stringify(settings)], { logPath, order, signal });
  } catch (error) {
    givingUp.abort(error);
    // It threw the same, or is not wanted any more.
    await preparing.then((prepared) => prepared[Symbol.asyncDispose]()).catch(() => undefined);
    throw error;
  }
  await using prepared = await preparing;
  announce(prepared);
}

/** One log for each mount point, in the XDG state home (basedir-spec, $XDG_STATE_HOME). */
async function prepareLogPath(mountPoint: string): Promise<string> {
  try {
    const path = logPathOf(mountPoint, process.env);
    await makeOwnFolder(dirname(path), 0o700);
    return path;
  } catch (error) {
    throw new BundleError(
      'mount-failed',
      `Cannot make a folder for the log of the mount: ${describeError(error)}`,
      {
        cause: error,
        hint: 'Name a folder that this user can write to in XDG_STATE_HOME, or use --foreground.',
      },
    );
  }
}
