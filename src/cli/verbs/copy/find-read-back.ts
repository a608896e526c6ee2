/** Where the bytes came from that a copy was verified by. */
import type { CopyResult } from '../../../product/copy/copy-to-folder.ts';
import type { CopyPlan } from '../../../product/copy/plan-copy.ts';
import type { Target } from '../../../product/copy/target.ts';

/**
 * `device`: with O_DIRECT; `indirect`: another program or machine was asked for them; `cache`: perhaps from what the
 * kernel had in memory, though it was told to forget it; `memory`: there is no device.
 */
export type ReadBack = 'device' | 'indirect' | 'cache' | 'memory';

export function findReadBack(
  { target, plan }: { readonly target: Pick<Target, 'traits'>; readonly plan: Pick<CopyPlan, 'readKind'> },
  result: Pick<CopyResult, 'readKind'>,
): ReadBack {
  if (target.traits.isMemory === true) return 'memory';
  if (target.traits.isIndirect === true) return 'indirect';
  return [plan.readKind, result.readKind].includes('dropped') ? 'cache' : 'device';
}
