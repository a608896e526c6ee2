/** How many bytes of a bundle are not in another one: by blocks where both have them, by layers otherwise. */
import { findBlock } from '../../file/name-range.ts';
import type { DiffId } from '../../ground/digest.ts';
import type { BundleContents, ContentBlock, ContentLayer } from './bundle-contents.ts';

/** Bytes as the tar has them, and as the .xz file stores them where that is known. */
export interface NewBytes {
  readonly size: number;
  readonly storedSize?: number;
}

export interface NewContents extends NewBytes {
  /** Whether blocks were compared; layers otherwise, so that a changed layer counts whole. */
  readonly byBlocks: boolean;
  readonly newBlockCount: number;
  readonly blockCount: number;
  /** Bytes of everything that was compared, so that `size` is a part of it: of all blocks, or of all layers. */
  readonly wholeSize: number;
  /** Of every layer of the bundle. */
  readonly layers: ReadonlyMap<DiffId, NewBytes>;
}

/** What of `after` is new to someone who has `before`. */
export function measureNew(before: BundleContents, after: BundleContents): NewContents {
  const known = before.blocks && new Set(before.blocks.map((block) => block.print));
  const blocks = after.blocks ?? [];
  const byBlocks = known !== undefined && after.blocks !== undefined;
  const isNew = (block: ContentBlock): boolean => known?.has(block.print) !== true;
  const layers = new Map<DiffId, NewBytes>();
  for (const layer of after.layers.values()) {
    const isKnown = !byBlocks && before.layers.has(layer.diffId);
    const found = byBlocks ? measureLayer(layer, blocks, isNew) : measureWhole(layer, isKnown, after.blocks);
    layers.set(layer.diffId, found);
  }
  const fresh = byBlocks ? blocks.filter(isNew) : [];
  const parts = byBlocks ? fresh : [...layers.values()];
  const storedSizes = parts.map((part) => part.storedSize);
  return {
    byBlocks,
    newBlockCount: fresh.length,
    blockCount: blocks.length,
    size: sum(parts.map((part) => part.size)),
    wholeSize: sum(
      byBlocks ? blocks.map(({ size }) => size) : [...after.layers.values()].map(({ size = 0 }) => size),
    ),
    storedSize: storedSizes.every((size) => size !== undefined) ? sum(storedSizes) : undefined,
    layers,
  };
}

/** Of a layer whose place in the tar is known, the parts that lie in blocks which `isChosen` takes. */
export function measureLayer(
  { start, size = 0 }: ContentLayer,
  blocks: readonly ContentBlock[],
  isChosen: (block: ContentBlock) => boolean,
): NewBytes {
  if (start === undefined) return { size: 0 };
  let [found, stored] = [0, 0];
  for (let index = findBlock(blocks, start); index < blocks.length; index += 1) {
    const block = blocks[index];
    if (block === undefined || block.start >= start + size) break;
    if (!isChosen(block) || block.size === 0) continue;
    const part = Math.min(block.start + block.size, start + size) - Math.max(block.start, start);
    found += part;
    stored += Math.round((block.storedSize * part) / block.size); // a foreign block may hold parts of several layers
  }
  return { size: found, storedSize: stored };
}

function measureWhole(
  layer: ContentLayer,
  isKnown: boolean,
  blocks: readonly ContentBlock[] | undefined,
): NewBytes {
  if (isKnown) return { size: 0, storedSize: 0 };
  if (blocks !== undefined && layer.start !== undefined) return measureLayer(layer, blocks, () => true);
  return { size: layer.size ?? 0 };
}

function sum(sizes: readonly number[]): number {
  return sizes.reduce((total, size) => total + size, 0);
}
