/** Gives layers that several images share a mark, so that they are recognised wherever they are drawn. */
import { groupBy } from '../../../ground/group-by.ts';
import type { BundleDescription } from '../../../bundle/description.ts';

/** Layers that the same images have, and what they are drawn with. */
export interface LayerGroup {
  /** `A`, `B` … `Z`, `AA` …, by the bytes that the group takes. */
  readonly letter: string;
  /** Which of the colours, from 0; letters tell groups of one colour apart. */
  readonly colour: number;
  /** Positions in the description's images, rising; at least two. */
  readonly imageIndexes: readonly number[];
  /** In the order of the bundle. */
  readonly diffIds: readonly string[];
  readonly storedSize: number;
}

export interface LayerMark {
  readonly group: LayerGroup;
  /** The group's letter, and where it has several layers, a number: `A2`. */
  readonly label: string;
}

export const colourCount = 8;

export interface LayerGroups {
  /** By letter. */
  readonly groups: readonly LayerGroup[];
  /** The mark of a shared layer, or undefined. */
  readonly findMark: (diffId: string) => LayerMark | undefined;
}

/** The groups of the layers that more than one image has. */
export function groupLayers({ images, layers }: Pick<BundleDescription, 'images' | 'layers'>): LayerGroups {
  const found = new Map<string, { imageIndexes: number[]; diffIds: string[]; storedSize: number }>();
  const owners = listOwners(images);
  for (const { diffId, storedSize } of layers) {
    const imageIndexes = owners.get(diffId) ?? [];
    if (imageIndexes.length < 2) continue;
    const key = imageIndexes.join();
    const group = found.get(key) ?? { imageIndexes, diffIds: [], storedSize: 0 };
    group.diffIds.push(diffId);
    group.storedSize += storedSize;
    found.set(key, group);
  }
  const groups = [...found.values()]
    .sort((a, b) => b.storedSize - a.storedSize)
    .map((group, index): LayerGroup => ({ ...group, letter: toLetter(index), colour: index % colourCount }));
  const marks = new Map<string, LayerMark>();
  for (const group of groups) {
    for (const [index, diffId] of group.diffIds.entries()) {
      const label = group.diffIds.length === 1 ? group.letter : `${group.letter}${index + 1}`;
      marks.set(diffId, { group, label });
    }
  }
  return { groups, findMark: (diffId) => marks.get(diffId) };
}

/** For each layer, the images that have it. */
function listOwners(images: BundleDescription['images']): Map<string, number[]> {
  const uses = images.flatMap(({ layers }, index) =>
    [...new Set(layers)].map((diffId) => ({ diffId, index })),
  );
  const groups = [...groupBy(uses, ({ diffId }) => diffId)];
  return new Map(groups.map(([diffId, owners]) => [diffId, owners.map(({ index }) => index)]));
}

function toLetter(index: number): string {
  const letter = String.fromCharCode(65 + (index % 26));
  return index < 26 ? letter : toLetter(Math.floor(index / 26) - 1) + letter;
}
