/** Plans a delta: for each file that is to be rebuilt, which ranges come from the base and which must be sent. */
import type { Digest } from '../../ground/digest.ts';
import { groupBy } from '../../ground/group-by.ts';
import type { Extent, Layout } from '../../plan/layout/extent.ts';

/** A block of the base: where its stored bytes lie, and what they are. */
export interface BaseBlock {
  readonly start: number;
  readonly size: number;
  /** sha256 of the stored bytes, padding included. */
  readonly digest: Digest;
}

/** A run of bytes of the base, or of what the delta itself brings. */
export interface DeltaStep {
  readonly source: 'base' | 'own';
  readonly start: number;
  readonly length: number;
}

/** A file to be rebuilt, as the runs that it is made of. */
export interface DeltaTarget {
  readonly name: string;
  readonly extents: readonly Unplaced[];
}

export interface PlannedTarget {
  readonly name: string;
  readonly size: number;
  /** Joined in this order they are the file. */
  readonly steps: readonly DeltaStep[];
  /** Bytes of the steps from `own`; a run that another file has brought already counts here too. */
  readonly ownSize: number;
}

export interface DeltaPlan {
  readonly targets: readonly PlannedTarget[];
  /** What the delta brings, each block once. */
  readonly own: Layout;
  /** How many blocks of the targets the base has, and how many it lacks. */
  readonly baseBlockCount: number;
  readonly ownBlockCount: number;
}

type Unplaced = Extent extends infer One ? (One extends Extent ? Omit<One, 'start'> : never) : never;

/**
 * What must be sent so that `targets` can be rebuilt where a file with the blocks `base` is. Blocks are the same when
 * their stored bytes are; runs that lie one behind the other in the same place are one step.
 */
export function planDelta(targets: readonly DeltaTarget[], base: readonly BaseBlock[]): DeltaPlan {
  const startsInBase = new Map<Digest, ReadonlySet<number>>();
  for (const [digest, same] of groupBy(base, (block) => block.digest)) {
    startsInBase.set(digest, new Set(same.map(({ start }) => start)));
  }
  const own: Extent[] = [];
  const startsInOwn = new Map<Digest, number>();
  let ownSize = 0;
  const bring = (extent: Unplaced): number => {
    const start = ownSize;
    own.push({ ...extent, start });
    ownSize += extent.length;
    return start;
  };
  let baseBlockCount = 0;
  let ownBlockCount = 0;
  const planned = targets.map(({ name, extents }): PlannedTarget => {
    const steps: DeltaStep[] = [];
    const place = (extent: Unplaced): DeltaStep => {
      const { length } = extent;
      if (extent.kind === 'memory') return { source: 'own', start: bring(extent), length };
      const { digest } = extent.record;
      const starts = startsInBase.get(digest);
      if (starts !== undefined) {
        baseBlockCount += 1;
        return { source: 'base', start: chooseStart(starts, steps.at(-1)), length };
      }
      ownBlockCount += 1;
      const start = startsInOwn.get(digest) ?? bring(extent);
      startsInOwn.set(digest, start);
      return { source: 'own', start, length };
    };
    for (const extent of extents) addStep(steps, place(extent));
    return {
      name,
      size: extents.reduce((sum, { length }) => sum + length, 0),
      steps,
      ownSize: steps.reduce((sum, { source, length }) => (source === 'own' ? sum + length : sum), 0),
    };
  });
  return { targets: planned, own: { size: ownSize, extents: own }, baseBlockCount, ownBlockCount };
}

/** Of several places with the same bytes the one that goes on where the last step ends. */
function chooseStart(starts: ReadonlySet<number>, last: DeltaStep | undefined): number {
  const end = last?.source === 'base' ? last.start + last.length : undefined;
  if (end !== undefined && starts.has(end)) return end;
  const [first = 0] = starts;
  return first;
}

function addStep(steps: DeltaStep[], step: DeltaStep): void {
  const last = steps.at(-1);
  if (step.length === 0) return;
  if (last?.source === step.source && last.start + last.length === step.start) {
    steps[steps.length - 1] = { ...last, length: last.length + step.length };
  } else {
    steps.push(step);
  }
}
