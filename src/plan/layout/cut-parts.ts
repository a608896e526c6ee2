/** Cuts a bundle into parts that fit on media, at places that a small change leaves where they are. */
import type { Layout } from './extent.ts';

/** The version of the rule: digests of parts are kept under its name. */
export const partRuleName = 'parts-1';

/** Of the largest size, what every part but the last has at least: the rest is room to choose a cut in (decision 0030). */
const smallestShare = 2 / 3;

/** Where one part ends and the next begins, by the block before the cut. */
interface Cut {
  readonly end: number;
  readonly key: string;
}

/**
 * The ends of the parts of `layout`, each at most `maxSize` bytes and each but the last at least two thirds of that, rising;
 * the last is the size of the layout. A part ends after a block: in the window that the sizes leave, after the one with
 * the smallest key. Keys are as good as random, so that after a change, windows that overlap choose the same cut, and
 * the parts behind it are what they were (the idea is that of "winnowing": Schleimer, Wilkerson, Aiken, SIGMOD 2003).
 * A greedy fill would move every cut behind the first change.
 * Throws RangeError where an extent is larger than `maxSize`.
 */
export function cutParts(layout: Layout, maxSize: number): number[] {
  const cuts = listCuts(layout);
  const ends: number[] = [];
  let start = 0;
  let next = 0;
  while (layout.size - start > maxSize) {
    while ((cuts[next]?.end ?? Infinity) <= start) next += 1;
    const end = chooseCut(cuts, next, start, maxSize);
    if (end === undefined) {
      throw new RangeError(`No part of at most ${maxSize} bytes can begin at ${start}: a block is larger`);
    }
    ends.push(end);
    start = end;
  }
  return [...ends, layout.size];
}

/** Places where a part may end: after each block, since what is no block (the frame of the .xz file) goes with its neighbour. */
function listCuts(layout: Layout): Cut[] {
  return layout.extents.flatMap((extent) =>
    extent.kind === 'block' ? [{ end: extent.start + extent.length, key: extent.record.key }] : [],
  );
}

function chooseCut(cuts: readonly Cut[], first: number, start: number, maxSize: number): number | undefined {
  let best: Cut | undefined;
  for (let index = first; index < cuts.length; index += 1) {
    const cut = cuts[index];
    if (cut === undefined || cut.end - start > maxSize) break;
    const isBest = best === undefined || best.end - start < maxSize * smallestShare || cut.key < best.key;
    if (isBest) best = cut;
  }
  return best?.end;
}
