/** What `bundlefs squash` does. */
import type { Selection } from '../../../request/resolve-selection.ts';
import type { SquashedLayers } from '../../../transforms/transform.ts';
import { formatSize } from '../../../ground/format-text.ts';
import {
  checkOneImage,
  makeTransformed,
  type ResultOptions,
  type Transformed,
} from '../../../request/made/transformed.ts';
import { type OutcomeText, printTransformed } from '../../output/transformed-to-text.ts';
import { nameImage } from '../../../image/image.ts';

export interface SquashOptions extends ResultOptions {
  readonly last?: number;
  readonly fromLayer?: string;
}

/** Squashes the one image that is selected, hands the result out and prints what it is. */
export async function runSquash(
  selection: Selection,
  options: SquashOptions,
  signal: AbortSignal,
): Promise<void> {
  checkOneImage(selection, 'squash');
  const layers = chosenLayers(options);
  const transform = {
    kind: 'squash',
    mustMatch: true,
    as: options.tag,
    layers,
  } as const;
  const made = await makeTransformed(selection, options, transform, signal);
  printTransformed(made, describeSquash(made), options);
}

function chosenLayers({ last, fromLayer }: SquashOptions): SquashedLayers | undefined {
  if (last !== undefined) return { last };
  if (fromLayer === undefined) return undefined;
  return { from: /^[0-9]{1,4}$/.test(fromLayer) ? Number(fromLayer) : fromLayer };
}

function describeSquash({ outcome: { before, after }, layer }: Transformed): OutcomeText {
  const keptCount = after.layers.length - 1;
  const count = before.layers.length - keptCount;
  const kept = keptCount === 0 ? '' : `, ${keptCount} kept`;
  return {
    text: `${nameImage(before)}: ${count} layers in one of ${formatSize(layer.size)} (${formatSize(layer.storedSize)} compressed)${kept}`,
    fields: { squashed: { id: before.configDigest, layerCount: count, keptCount }, layer },
  };
}
