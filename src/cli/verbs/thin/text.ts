/** What a thin image is, or would be: in words, and as fields of a JSON. */
import { type Image, nameImage } from '../../../image/image.ts';
import { isSaving, type ThinPlan } from '../../../transforms/plan-thin.ts';
import { formatCount, formatSize } from '../../../ground/format-text.ts';
import type { NewLayer } from '../../../request/made/transformed.ts';

/** One line on an image that was made. */
export function thinToText(
  image: Image,
  on: Image | undefined,
  plan: ThinPlan | undefined,
  { size, storedSize }: NewLayer,
): string {
  const made = `a layer of ${formatSize(size)} (${formatSize(storedSize)} compressed)`;
  const head = `${nameImage(image)}${on === undefined ? '' : ` on ${nameImage(on)}`}: `;
  if (plan === undefined) return `${head}${made}, made before`;
  return `${head}${made} in place of ${describeReplaced(plan)}: ${describeChanges(plan)}`;
}

/** One line on an image that would be made, and whether it is worth it. */
export function thinPlanToText(image: Image, on: Image, plan: ThinPlan): string {
  const { layerSize, replacedSize } = plan;
  const head = `${nameImage(image)} on ${nameImage(on)}: `;
  const what = `a layer of ${formatSize(layerSize)} in place of ${describeReplaced(plan)}`;
  const verdict = isSaving(plan)
    ? `saves ${formatSize(replacedSize - layerSize)}`
    : 'saves nothing, the image is smaller as it is';
  return `${head}${what} ${verdict}: ${describeChanges(plan)}`;
}

export function planFields({
  layerSize,
  replacedSize,
  replacedCount,
  changes,
}: ThinPlan): Record<string, unknown> {
  return { layerSize, replacedSize, replacedCount, changes };
}

function describeReplaced({ replacedSize, replacedCount }: ThinPlan): string {
  return replacedCount === 0
    ? 'none'
    : `${formatCount(replacedCount, 'layer')} of ${formatSize(replacedSize)}`;
}

function describeChanges({ changes: { added, changed, removed, touched } }: ThinPlan): string {
  const times = touched === 0 ? '' : ` (${touched} in nothing but times: --ignore-mtime leaves them out)`;
  return `${changed} changed${times}, ${added} added, ${removed} removed`;
}
