/** Names a run of bytes by the blocks that it lies in: runs of one name are the same bytes, and need not be decoded for that. */

/** A block of a layer or a bundle. */
export interface PlacedBlock {
  /** Equal for blocks of the same content and the same encoding. */
  readonly print: string;
  /** Where its content starts in the file. */
  readonly start: number;
  /** Bytes of its content. */
  readonly size: number;
}

/** The blocks that cover the range, and where it starts in the first of them. */
export function nameRange(blocks: readonly PlacedBlock[], position: number, size: number): string {
  const parts: string[] = [];
  const first = findBlock(blocks, position);
  for (let index = first; index < blocks.length; index += 1) {
    const block = blocks[index];
    if (block === undefined || block.start >= position + size) break;
    parts.push(block.print);
  }
  return `${position - (blocks[first]?.start ?? 0)}+${size}:${parts.join()}`;
}

/** The index of the first block that ends behind `position`. */
export function findBlock(blocks: readonly PlacedBlock[], position: number): number {
  let [low, high] = [0, blocks.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const block = blocks[middle];
    if (block !== undefined && block.start + block.size <= position) low = middle + 1;
    else high = middle;
  }
  return low;
}
