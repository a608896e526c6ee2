/** The files in which two images differ: both merged from their layers as an engine would, and compared path by path. */
import type { DiffId } from '../../ground/digest.ts';
import { applyLayer } from '../../format/tree/apply-layer.ts';
import { compareTrees, type TreeChange } from '../../format/tree/compare-trees.ts';
import { type ContentPlace, createTree, type TreeEntry, type TreeNode } from '../../format/tree/tree.ts';
import type { LayerLibrary } from './layer-library.ts';

/** A change whose content has been looked at where that was needed: it has no `content?` any more. */
export type FileChange = TreeChange<DiffId>;

/** The merged tree of these layers, lowest first. Tells the library what it has to leave out. */
export async function mergeLayers(
  library: LayerLibrary,
  layers: readonly DiffId[],
): Promise<TreeNode<DiffId>> {
  const tree = createTree<DiffId>();
  for (const layer of layers) await mergeLayer(library, tree, layer, layer);
  return tree;
}

/** Puts a layer on `tree`, in which it is called `name`. */
export async function mergeLayer<Name>(
  library: LayerLibrary,
  tree: TreeNode<Name>,
  layer: DiffId,
  name: Name,
): Promise<void> {
  applyLayer(tree, await library.listMembers(layer), name, ({ kind, path, target = '' }) => {
    const what = `a hardlink "${path}" to "${target}", which is not there or a folder`;
    library.leaveOut({ layer, what: kind === 'hardlink' ? what : describeOdd(kind, path) });
  });
}

function describeOdd(kind: string, path: string): string {
  if (path === '') return `a ${kind} in place of the root`;
  return path.includes('/')
    ? `a whiteout below a symlink of its own layer, "${path}"`
    : `a whiteout of all below the root, "${path}"`;
}

/**
 * The changes from the image of `before` to the image of `after`, folders before what is in them. Content is read of
 * files that have one size in both, come from different layers, and do not lie in the same blocks; of no others.
 */
export async function compareFiles(
  library: LayerLibrary,
  before: readonly DiffId[],
  after: readonly DiffId[],
): Promise<FileChange[]> {
  return compareMergedTrees(library, await mergeLayers(library, before), await mergeLayers(library, after));
}

/** The same of trees that mergeLayers made. */
export async function compareMergedTrees(
  library: LayerLibrary,
  a: TreeNode<DiffId>,
  b: TreeNode<DiffId>,
): Promise<FileChange[]> {
  const changes = [...compareTrees(a, b, (one, other) => isSamePlace(library, one, other))];
  await library.readContents(changes.flatMap(unreadPlaces));
  return changes.flatMap((change) => settleContent(library, change));
}

function isSamePlace(library: LayerLibrary, a: TreeEntry<DiffId>, b: TreeEntry<DiffId>): boolean {
  if (a.content === undefined || b.content === undefined) return false;
  if (a.content.layer === b.content.layer && a.content.position === b.content.position) return true;
  const name = library.nameContent(a.content);
  return name !== undefined && name === library.nameContent(b.content);
}

function unreadPlaces(change: FileChange): ContentPlace<DiffId>[] {
  if (change.kind !== 'changed' || !change.differences.includes('content?')) return [];
  return [change.before.content, change.after.content].filter((place) => place !== undefined);
}

/** Answers `content?`; a change of which nothing is left is none. */
function settleContent(library: LayerLibrary, change: FileChange): FileChange[] {
  const [before, after] = unreadPlaces(change);
  if (change.kind !== 'changed' || before === undefined || after === undefined) return [change];
  const isSame = library.digestOf(before) === library.digestOf(after);
  const differences = change.differences.flatMap((difference) => {
    if (difference !== 'content?') return [difference];
    return isSame ? [] : ['content' as const];
  });
  return differences.length === 0 ? [] : [{ ...change, differences }];
}
