/** Names that no layer can have, because they say something else there. */
import { BundleError } from '../errors.ts';
import { type TreeNode, walkTree } from '../tree/tree.ts';
import { whiteoutPrefix } from '../tree/whiteout.ts';

/** Throws archive-unsupported where something in `tree` is named as whiteouts are; `what` names the image. */
export function checkNames<Layer>(tree: TreeNode<Layer>, what: string): void {
  for (const [path] of walkTree(tree)) {
    if (!path.slice(path.lastIndexOf('/') + 1).startsWith(whiteoutPrefix)) continue;
    throw new BundleError(
      'archive-unsupported',
      `Cannot make a layer of ${what}: "${path}" is a file there, and in a layer that name says that another file is gone`,
    );
  }
}
