/** What of a merged tree the layers above some others have put there: what a squashed layer has to bring. */
import { findNode, isFolder, type TreeNode } from '../format/tree/tree.ts';

/** Says so of the nodes of a tree that was made of `base`, the merged tree of the layers `kept`, and others above these. */
export function createIsAbove<Layer>(
  base: TreeNode<Layer>,
  kept: ReadonlySet<Layer>,
): (path: string, node: TreeNode<Layer>) => boolean {
  return (path, { place }) => {
    if (place !== undefined) return !kept.has(place.layer);
    const before = findNode(base, path);
    // A folder that has no member any more was replaced by something, and that by another folder.
    return before === undefined || !isFolder(before) || before.place !== undefined;
  };
}
