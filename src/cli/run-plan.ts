/** What `bundlefs plan` does. */
import type { BuildPlan } from '../explain/plan-build.ts';
import { surveyBuild } from '../explain/survey-build.ts';
import type { Selection } from '../selection/resolve-selection.ts';
import { openSource } from '../sources/open-source.ts';
import { describeLeftOut, openChosenCache, printLine } from './chosen-bundle.ts';
import type { ImageOptions } from './image-options.ts';
import { planToJson } from './plan-to-json.ts';
import { planToText } from './plan-to-text.ts';
import { startProgress } from './progress.ts';

export interface PlanOptions extends ImageOptions {
  readonly exact?: boolean;
  readonly json?: boolean;
  readonly exitCode?: boolean;
}

/** Of `--exit-code`, where there is something to encode. No error code has it. */
const workStatus = 10;

/** What is made of images is known once it was made. */
const notCounted =
  '\nThis is about the images as their source has them; what the transforms of bundlefs.yaml make of them is not counted.\n';

/** Asks the source and the cache, and prints what a build would do. */
export async function runPlan(
  selection: Selection,
  options: PlanOptions,
  signal: AbortSignal,
): Promise<void> {
  const plan = await surveyWithProgress(selection, options, signal);
  const { length: uncounted } = selection.transforms;
  process.stdout.write(
    options.json === true
      ? `${JSON.stringify({ ...planToJson(plan), ...(uncounted > 0 && { uncountedTransforms: uncounted }) })}\n`
      : `${planToText(plan)}${uncounted > 0 ? notCounted : ''}`,
  );
  if (options.exitCode === true && plan.encode.size > 0) process.exitCode = workStatus;
}

async function surveyWithProgress(
  selection: Selection,
  options: PlanOptions,
  signal: AbortSignal,
): Promise<BuildPlan> {
  const cache = await openChosenCache(options);
  const source = await openSource(options.from, {
    signal,
    ...(options.platform !== undefined && { platform: options.platform }),
  });
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
