/** Names a run of bytes by the blocks that it lies in: runs of one name are the same bytes, and need not be decoded for that. */
import type { ContentBlock } from './bundle-contents.ts';
import { findBlock } from './measure-new.ts';

/** The blocks that cover the range, and where it starts in the first of them. */
export function nameRange(blocks: readonly ContentBlock[], position: number, size: number): string {
  const parts: string[] = [];
  const first = findBlock(blocks, position);
  for (let index = first; index < blocks.length; index += 1) {
    const block = blocks[index];
    if (block === undefined || block.start >= position + size) break;
    parts.push(block.print);
  }
  return `${position - (blocks[first]?.start ?? 0)}+${size}:${parts.join()}`;
}
