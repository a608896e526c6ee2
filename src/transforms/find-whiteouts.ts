/** What a layer has to hide of the layers below so that a tree comes out. */
import { isFolder, sortedChildren, type TreeNode } from '../format/tree/tree.ts';
import { opaqueName, whiteoutPrefix } from '../format/tree/whiteout.ts';

/** A whiteout: the folder that it lies in, and its name there. */
export interface FoundWhiteout {
  readonly folder: string;
  readonly name: string;
}

/**
 * The whiteouts that a layer on `base` needs where it brings the nodes of `target` in `brought`. One stands for all below
 * a path that is gone. What is replaced needs none: engines take a file over a folder, and a folder over a file. Where
 * several names of a folder are gone and nothing in it is kept from below, one opaque whiteout stands for all of them.
 */
export function* findWhiteouts<Layer>(
  base: TreeNode<Layer>,
  target: TreeNode<Layer>,
  brought: ReadonlySet<TreeNode<Layer>>,
  folder = '',
): Generator<FoundWhiteout> {
  const children = sortedChildren(base);
  const gone = children.filter(([name]) => target.children?.has(name) !== true);
  if (gone.length > 1 && folder !== '' && isAllBrought(target, brought)) {
    yield { folder, name: opaqueName };
    return;
  }
  for (const [name] of gone) yield { folder, name: `${whiteoutPrefix}${name}` };
  for (const [name, before] of children) {
    const after = target.children?.get(name);
    if (after === undefined || !isFolder(before) || !isFolder(after)) continue;
    yield* findWhiteouts(before, after, brought, folder === '' ? name : `${folder}/${name}`);
  }
}

/** Whether nothing below `node` would be missing, were all of the layers below hidden there. */
function isAllBrought<Layer>(node: TreeNode<Layer>, brought: ReadonlySet<TreeNode<Layer>>): boolean {
  for (const child of node.children?.values() ?? []) {
    if (!brought.has(child) || !isAllBrought(child, brought)) return false;
  }
  return true;
}
