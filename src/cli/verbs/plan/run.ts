/** What `bundlefs plan` does. */
import type { BuildPlan } from '../../../inspect/cost/plan-build.ts';
import { surveyBuild } from '../../../inspect/cost/survey-build.ts';
import { printJson, printLines } from '../../../ground/print.ts';
import type { Selection } from '../../../request/resolve-selection.ts';
import { describeLeftOut, openChosenCache, printLine } from '../../../request/made/bundle.ts';
import { openSource } from '../../../place/open-source.ts';
import type { Settings } from '../../../request/settings.ts';
import { planToJson } from './json.ts';
import { planToText } from './text.ts';
import { startProgress } from '../../../request/made/progress.ts';

export interface PlanOptions extends Settings {
  readonly exact?: boolean;
  readonly json?: boolean;
  readonly exitCode?: boolean;
}

/** Of `--exit-code`, where there is something to encode. No error code has it. */
const workStatus = 10;

/** What is made of images is known once it was made. */
const notCounted =
  'This is about the images as their source has them; what the transforms of bundlefs.yaml make of them is not counted.';

/** Asks the source and the cache, and prints what a build would do. */
export async function runPlan(
  selection: Selection,
  options: PlanOptions,
  signal: AbortSignal,
): Promise<void> {
  const plan = await surveyWithProgress(selection, options, signal);
  const { length: uncounted } = selection.transforms;
  if (options.json === true) {
    printJson({ ...planToJson(plan), uncountedTransforms: uncounted > 0 ? uncounted : undefined });
  } else {
    printLines([...planToText(plan), ...(uncounted > 0 ? ['', notCounted] : [])]);
  }
  if (options.exitCode === true && plan.encode.size > 0) process.exitCode = workStatus;
}

async function surveyWithProgress(
  selection: Selection,
  options: PlanOptions,
  signal: AbortSignal,
): Promise<BuildPlan> {
  const cache = await openChosenCache(options);
  const source = await openSource(options.from, { cache, signal, platform: options.platform });
  try {
    using progress = startProgress({ label: 'reading' });
    return await surveyBuild({
      source,
      references: selection.patterns,
      tagRules: selection.tagAs,
      cache,
      profile: { ...options.preset, check: options.check },
      exact: options.exact === true,
      isReworked: selection.transforms.length > 0,
      skipsUnloadable: options.skipUnloadable,
      onLeftOut: (error) => {
        printLine(describeLeftOut(error));
      },
      signal,
      onRead: (done, total) => {
        progress.show(done, total);
      },
    });
  } finally {
    await source.close();
  }
}
