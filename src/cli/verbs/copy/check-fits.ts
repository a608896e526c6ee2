/** Says before the first byte is written why a copy cannot succeed. */
import type { CopyMeasure } from '../../../product/copy/measure-copy.ts';
import type { CopyPlan } from '../../../product/copy/plan-copy.ts';
import type { Target } from '../../../product/copy/target.ts';
import { BundleError } from '../../../ground/errors.ts';
import { formatSize } from '../../../ground/format-text.ts';

export interface CopyToCheck {
  readonly target: Target;
  readonly plan: CopyPlan;
  readonly measure: CopyMeasure;
}

/** Throws output-failed where files are in the way or too large, and output-full where there is no room. */
export function checkCopyFits({ target, plan, measure }: CopyToCheck, isInPlace: boolean): void {
  const { folder, mount, traits, freeSize } = target;
  const [foreign] = plan.foreign;
  if (foreign !== undefined) {
    throw new BundleError(
      'output-failed',
      `Cannot copy to "${folder}": there is "${foreign}" already, which no copy of bundlefs has written`,
      { hint: `Move it away if it is not needed, or name a folder of its own: ${folder}/bundle` },
    );
  }
  if (measure.tooLarge !== undefined) {
    const { name, size } = measure.tooLarge;
    const limit = formatSize(traits.maxFileSize ?? 0);
    throw new BundleError(
      'output-failed',
      `Cannot copy to "${folder}": ${name} has ${formatSize(size)}, and a file there (${mount.type}) can have ${limit} at most`,
      { hint: 'Split it: --media fat32' },
    );
  }
  const needed = isInPlace ? measure.neededInPlace : measure.neededSize;
  if (needed <= freeSize) return;
  const hint =
    measure.neededInPlace <= freeSize
      ? 'There would be room if the old bundle gave way first: --in-place. Until that is done, nothing there can be loaded.'
      : 'Free some space there, or take a larger one. A part of the images can be copied by naming them.';
  throw new BundleError(
    'output-full',
    `Cannot copy to "${folder}": ${formatSize(needed)} more are needed there, and ${formatSize(freeSize)} are free`,
    { hint },
  );
}
