/** Files whose content stays and whose hardlinks do not: a layer has to bring them, for it cannot link to lower layers. */
import { findNode, isFolder, type TreeEntry, type TreeNode, walkTree } from '../tree/tree.ts';

/**
 * A name of each file of `after` that must be brought because it has other names than in `before`: names that were of
 * several files there, or a file whose names are of several now, of which the one with most names may stay. `isChanged`
 * says which paths are brought anyway.
 */
export function findRelinked<Layer>(
  before: TreeNode<Layer>,
  after: TreeNode<Layer>,
  isChanged: (path: string) => boolean,
): Set<string> {
  const brought = new Set<string>();
  const heirs = new Map<TreeEntry<Layer>, string[][]>();
  for (const names of groupPaths(after)) {
    if (names.some(isChanged)) continue;
    const [first = ''] = names;
    const owners = new Set(names.map((path) => findNode(before, path)?.entry));
    const [owner] = owners;
    if (owners.size > 1) brought.add(first);
    else if (owner !== undefined) heirs.set(owner, [...(heirs.get(owner) ?? []), names]);
  }
  for (const groups of heirs.values()) {
    const [, ...others] = groups.sort((a, b) => b.length - a.length);
    for (const [first] of others) if (first !== undefined) brought.add(first);
  }
  return brought;
}

/** The names of each file that is no folder. */
function groupPaths<Layer>(tree: TreeNode<Layer>): Iterable<string[]> {
  const groups = new Map<TreeEntry<Layer>, string[]>();
  for (const [path, node] of walkTree(tree)) {
    if (node.entry === undefined || isFolder(node)) continue;
    const names = groups.get(node.entry);
    if (names === undefined) groups.set(node.entry, [path]);
    else names.push(path);
  }
  return groups.values();
}
