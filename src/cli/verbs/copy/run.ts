/** What `bundlefs copy` does. */
import { cachePath } from '../../../cache/cache.ts';
import { type CopySource, sourceOfStick } from '../../../product/copy/copy-source.ts';
import {
  type CopyResult,
  copyToFolder,
  type HeldTarget,
  holdTarget,
} from '../../../product/copy/copy-to-folder.ts';
import { forgetDevice } from '../../../product/copy/device-file.ts';
import { openFolderSource } from '../../../product/copy/folder-source.ts';
import { type CopyMeasure, measureCopy } from '../../../product/copy/measure-copy.ts';
import { type CopyPlan, planCopy } from '../../../product/copy/plan-copy.ts';
import { type Survey, surveyTarget } from '../../../product/copy/survey-target.ts';
import { findTarget, type Target } from '../../../product/copy/target.ts';
import { withTargetErrors } from '../../../product/copy/target-error.ts';
import { BundleError } from '../../../ground/errors.ts';
import { printJson, printLines, warnLines } from '../../../ground/print.ts';
import type { Selection } from '../../../request/resolve-selection.ts';
import { checkCopyFits } from './check-fits.ts';
import { openChosenCache, prepareChosenBundle } from '../../../request/made/bundle.ts';
import { copyToJson } from './json.ts';
import { describeDone, describePlan } from './text.ts';
import type { Settings } from '../../../request/settings.ts';
import type { PartOptions } from '../../../request/part-size.ts';
import { prepareStick } from '../../../request/made/stick.ts';
import { startPhases, startProgress } from '../../../request/made/progress.ts';

/** Of all copies, whatever they copy. */
export interface CopySettings {
  readonly inPlace?: boolean;
  readonly allowSystemDisk?: boolean;
  readonly dryRun?: boolean;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

export interface CopyOptions extends Settings, PartOptions, CopySettings {
  /** A folder, instead of images. */
  readonly fromMount?: string;
}

/** Makes the bundle of `selection` and copies it to the folder `dest`. */
export async function runCopy(
  dest: string,
  selection: Selection,
  options: CopyOptions,
  signal: AbortSignal,
): Promise<void> {
  const isSilent = options.quiet === true;
  const cache = await openChosenCache(options);
  const find = (): Promise<Target> => findTargetOf(dest, options, { cachePath: cache.path });
  await find(); // what is wrong with it should show before minutes of encoding
  await using bundle = await prepareChosenBundle(selection, options, cache, signal, 'copy', { isSilent });
  const stick = await prepareStick(bundle, options, cache, signal, { isSilent });
  await copySource(sourceOfStick(stick), await find(), options, signal);
}

/** Copies what a mount shows at this moment. Throws invalid-argument where images are named as well. */
export async function runCopyOfMount(
  dest: string,
  images: readonly string[],
  options: CopySettings & { readonly fromMount: string; readonly cache?: string },
  signal: AbortSignal,
): Promise<void> {
  const { fromMount } = options;
  if (images.length > 0) {
    throw new BundleError(
      'invalid-argument',
      `Cannot copy what the mount "${fromMount}" shows and choose images: it has chosen them`,
      { hint: 'Leave out --from-mount, or the images.' },
    );
  }
  const target = await findTargetOf(dest, options, {
    cachePath: cachePath(options.cache, process.env),
    sourceFolder: fromMount,
  });
  await using source = await openFolderSource(fromMount);
  await copySource(source, target, options, signal);
}

async function findTargetOf(
  dest: string,
  { allowSystemDisk }: CopySettings,
  folders: { readonly cachePath: string; readonly sourceFolder?: string },
): Promise<Target> {
  return findTarget(dest, { allowsSystemDisk: allowSystemDisk === true, ...folders });
}

interface Copy {
  readonly source: CopySource;
  readonly target: Target;
  readonly survey: Survey;
  readonly plan: CopyPlan;
  readonly measure: CopyMeasure;
}

async function copySource(
  source: CopySource,
  target: Target,
  options: CopySettings,
  signal: AbortSignal,
): Promise<void> {
  const startMs = performance.now();
  await using held = options.dryRun === true ? undefined : await holdTarget(target.folder);
  const copy = await survey(source, target, options, signal);
  checkCopyFits(copy, options.inPlace === true);
  const isSilent = options.quiet === true || options.json === true;
  if (!isSilent) printLines(describePlan(copy, options));
  const result = held && (await carryOut(held, copy, options, signal));
  const seconds = (performance.now() - startMs) / 1000;
  if (options.json === true) printJson(copyToJson({ ...copy, result, seconds }));
  else if (!isSilent && result !== undefined) printLines([describeDone({ ...copy, result, seconds })]);
}

async function survey(
  source: CopySource,
  target: Target,
  { quiet }: CopySettings,
  signal: AbortSignal,
): Promise<Copy> {
  using progress = startProgress({ label: 'comparing', isSilent: quiet === true });
  return await withTargetErrors(target.folder, async () => {
    if (target.traits.isIndirect === true) await forgetDevice(target.mount.source);
    const found = await surveyTarget(target.folder);
    const plan = await planCopy(source, target.folder, found, {
      signal,
      onRead: (done, total) => {
        progress.show(done, total);
      },
    });
    return { source, target, survey: found, plan, measure: measureCopy(plan, found, target) };
  });
}

async function carryOut(
  held: HeldTarget,
  { survey: found, plan, target }: Copy,
  { inPlace, quiet }: CopySettings,
  signal: AbortSignal,
): Promise<CopyResult> {
  using phases = startPhases({ isSilent: quiet === true });
  try {
    return await copyToFolder(held, found, plan, {
      isInPlace: inPlace === true,
      device: target.traits.isIndirect === true ? target.mount.source : undefined,
      signal,
      onProgress: (phase, done, total) => {
        phases.show(phase, done, total);
      },
    });
  } catch (error) {
    if (signal.aborted && quiet !== true) {
      phases[Symbol.dispose]();
      warnLines(['What is written is kept: the same command goes on from there.']);
    }
    throw error;
  }
}
