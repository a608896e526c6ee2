/** What `bundlefs thin` does. */
import { BundleError, hintLines, isBundleError } from '../../../ground/errors.ts';
import { parseReference } from '../../../image/reference.ts';
import type { Selection } from '../../../request/resolve-selection.ts';
import { isMeant } from '../../../transforms/match-image.ts';
import { openLayers } from '../../../transforms/open-layers.ts';
import { isSaving, planThin, type ThinPlan } from '../../../transforms/plan-thin.ts';
import type { ThinTransform } from '../../../transforms/transform.ts';
import { openWorkshop } from '../../../bundle/workshop.ts';
import { type Image, nameImage } from '../../../image/image.ts';
import { openChosenCache } from '../../../request/made/bundle.ts';
import { readOlderImage } from '../../../request/made/older-image.ts';
import { openSource } from '../../../place/open-source.ts';
import { printJson, printLines } from '../../../ground/print.ts';
import { startProgress } from '../../../request/made/progress.ts';
import {
  checkOneImage,
  makeTransformed,
  type ResultOptions,
  type Transformed,
} from '../../../request/made/transformed.ts';
import { type OutcomeText, printTransformed } from '../../output/transformed-to-text.ts';
import { planFields, thinPlanToText, thinToText } from './text.ts';

export interface ThinCommandOptions extends ResultOptions {
  readonly on: string;
  readonly onFrom?: string;
  readonly ignoreMtime?: boolean;
  readonly dryRun?: boolean;
}

/** Makes `image` on the older one, hands the result out and prints what it is; or only says what it would be. */
export async function runThin(
  image: string,
  selection: Selection,
  options: ThinCommandOptions,
  signal: AbortSignal,
): Promise<void> {
  checkOneImage(selection, 'thin');
  if (options.dryRun === true) {
    await withOlderHint(options, () => runDry(image, selection, options, signal));
    return;
  }
  const transform: ThinTransform = {
    ...{ kind: 'thin', on: options.on, mustMatch: true, whenLarger: 'refuse' },
    ...(hasOlder(selection) && { image, isOlderOnlyRead: true }),
    onFrom: options.onFrom,
    ignoreMtime: options.ignoreMtime === true ? true : undefined,
    as: options.tag,
  };
  await withOlderHint(options, async () => {
    const made = await makeTransformed(selection, options, transform, signal);
    printTransformed(made, describeThin(made), options);
  });
}

/** Where images are not found, the older one may be somewhere else. */
async function withOlderHint({ onFrom }: ThinCommandOptions, action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    if (onFrom !== undefined || !isBundleError(error, 'image-not-found')) throw error;
    const where = 'Where the older image is in another place, such as the last bundle: --on-from last.tar.xz';
    const hint = [...(hintLines(error) ?? []), where];
    throw new BundleError(error.code, error.message, { cause: error, hint });
  }
}

function describeThin({ outcome: { before, on, plan }, layer }: Transformed): OutcomeText {
  return {
    text: thinToText(before, on, plan, layer),
    fields: {
      thinned: { id: before.configDigest, on: on?.configDigest, ...(plan && planFields(plan)) },
      layer,
    },
  };
}

async function runDry(
  image: string,
  selection: Selection,
  options: ThinCommandOptions,
  signal: AbortSignal,
): Promise<void> {
  const { before, on, plan } = await planWithProgress(image, selection, options, signal);
  if (options.json === true) {
    printJson({
      image: { name: nameImage(before), id: before.configDigest },
      on: { name: nameImage(on), id: on.configDigest },
      ...planFields(plan),
      isSaving: isSaving(plan),
    });
  } else {
    printLines([thinPlanToText(before, on, plan)]);
  }
}

async function planWithProgress(
  image: string,
  selection: Selection,
  options: ThinCommandOptions,
  signal: AbortSignal,
): Promise<{ before: Image; on: Image; plan: ThinPlan }> {
  const { platform, onFrom } = options;
  const cache = await openChosenCache(options);
  const source = await openSource(options.from, { cache, signal, platform: options.platform });
  try {
    using progress = startProgress({ label: 'reading' });
    await using opened = await openWorkshop({
      source,
      references: selection.patterns,
      cache,
      profile: { ...options.preset, check: options.check },
      signal,
      skipsUnloadable: options.skipUnloadable,
      onRead: (done, total) => {
        progress.show(done, total);
      },
    });
    const { images, workshop } = opened;
    const before = hasOlder(selection) ? getMeant(images, image) : getFirst(images);
    const on = hasOlder(selection)
      ? getMeant(images, options.on)
      : await readOlderImage(parseReference(options.on), {
          source,
          cache,
          from: onFrom,
          workshop,
          platform,
        });
    await workshop.settle();
    await using layers = await openLayers(workshop);
    return { before, on, plan: await planThin(before, on, options, layers) };
  } finally {
    await source.close();
  }
}

/** Whether the older image is read together with the newer one. */
function hasOlder({ patterns }: Selection): boolean {
  return patterns.length > 1;
}

function getFirst([image]: readonly Image[]): Image {
  if (image === undefined) throw new RangeError('A source gave no image');
  return image;
}

function getMeant(images: readonly Image[], text: string): Image {
  const reference = parseReference(text);
  return getFirst(images.filter((image) => isMeant(image, reference)));
}
