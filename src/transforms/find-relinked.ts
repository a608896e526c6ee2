/** Files whose content stays and whose hardlinks do not: a layer has to bring them, for it cannot link to lower layers. */
import { groupBy } from '../ground/group-by.ts';
import { findNode, isFolder, type TreeEntry, type TreeNode, walkTree } from '../format/tree/tree.ts';

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
  const heirs: Heir<Layer>[] = [];
  for (const names of groupPaths(after)) {
    if (names.some(isChanged)) continue;
    const owners = new Set(names.map((path) => findNode(before, path)?.entry));
    const [owner] = owners;
    if (owners.size > 1) brought.add(names[0]);
    else if (owner !== undefined) heirs.push({ owner, names });
  }
  for (const groups of groupBy(heirs, ({ owner }) => owner).values()) {
    const [, ...others] = groups.sort((a, b) => b.names.length - a.names.length);
    for (const { names } of others) brought.add(names[0]);
  }
  return brought;
}

/** All names of a file of the new tree, which were all names of the one file `owner`. */
interface Heir<Layer> {
  readonly owner: TreeEntry<Layer>;
  readonly names: Names;
}

/** At least one. */
type Names = readonly [string, ...string[]];

/** The names of each file that is no folder. */
function groupPaths<Layer>(tree: TreeNode<Layer>): Names[] {
  const named: { readonly entry: TreeEntry<Layer>; readonly path: string }[] = [];
  for (const [path, node] of walkTree(tree)) {
    if (node.entry !== undefined && !isFolder(node)) named.push({ entry: node.entry, path });
  }
  const groups = groupBy(named, ({ entry }) => entry).values();
  return [...groups].map(([first, ...others]): Names => [first.path, ...others.map(({ path }) => path)]);
}
