/** Compares two trees path by path, without looking at content: which files may differ in it, the caller finds out. */
import { isSameTime, isSameXattrs } from './entry-metadata.ts';
import { isFolder, sortedChildren, type TreeEntry, type TreeNode, walkTree } from './tree.ts';

/** In what an entry differs. `content?`: both are files of one size whose content lies in different places. */
export type EntryDifference =
  'type' | 'content' | 'content?' | 'target' | 'device' | 'mode' | 'owner' | 'xattrs' | 'times';

/** A path that is not the same in both trees. A folder without an entry of its own has none. */
export type TreeChange<Layer> =
  | { readonly kind: 'added'; readonly path: string; readonly after: TreeEntry<Layer> | undefined }
  | { readonly kind: 'removed'; readonly path: string; readonly before: TreeEntry<Layer> | undefined }
  | {
      readonly kind: 'changed';
      readonly path: string;
      readonly before: TreeEntry<Layer>;
      readonly after: TreeEntry<Layer>;
      readonly differences: readonly EntryDifference[];
    };

/**
 * The changes from `before` to `after`, folders before what is in them. `isSamePlace` tells whether two contents are
 * known to be the same bytes. Where a folder has an entry in one tree only, its metadata is not compared.
 */
export function* compareTrees<Layer>(
  before: TreeNode<Layer>,
  after: TreeNode<Layer>,
  isSamePlace: (a: TreeEntry<Layer>, b: TreeEntry<Layer>) => boolean,
  path = '',
): Generator<TreeChange<Layer>> {
  for (const [name, a, b] of pairChildren(before, after)) {
    const childPath = path === '' ? name : `${path}/${name}`;
    if (a === undefined) yield* listAll('added', childPath, b);
    else if (b === undefined) yield* listAll('removed', childPath, a);
    else if (isFolder(a) && isFolder(b)) {
      yield* compareEntries(childPath, a.entry, b.entry, isSamePlace);
      yield* compareTrees(a, b, isSamePlace, childPath);
    } else if (isFolder(a) !== isFolder(b)) {
      yield* compareKinds(childPath, a, b);
    } else {
      yield* compareEntries(childPath, a.entry, b.entry, isSamePlace);
    }
  }
}

function* compareEntries<Layer>(
  path: string,
  before: TreeEntry<Layer> | undefined,
  after: TreeEntry<Layer> | undefined,
  isSamePlace: (a: TreeEntry<Layer>, b: TreeEntry<Layer>) => boolean,
): Generator<TreeChange<Layer>> {
  if (before === undefined || after === undefined || before === after) return;
  const differences = findDifferences(before, after, isSamePlace);
  if (differences.length > 0) yield { kind: 'changed', path, before, after, differences };
}

/** A folder became something else, or the other way round. */
function* compareKinds<Layer>(
  path: string,
  a: TreeNode<Layer>,
  b: TreeNode<Layer>,
): Generator<TreeChange<Layer>> {
  if (a.entry === undefined || b.entry === undefined) {
    yield { kind: 'removed', path, before: a.entry };
    yield { kind: 'added', path, after: b.entry };
  } else {
    yield { kind: 'changed', path, before: a.entry, after: b.entry, differences: ['type'] };
  }
  for (const [child, node] of walkTree(a, path)) yield { kind: 'removed', path: child, before: node.entry };
  for (const [child, node] of walkTree(b, path)) yield { kind: 'added', path: child, after: node.entry };
}

function* listAll<Layer>(
  kind: 'added' | 'removed',
  path: string,
  node: TreeNode<Layer> | undefined,
): Generator<TreeChange<Layer>> {
  if (node === undefined) return;
  for (const [found, { entry }] of [[path, node] as const, ...walkTree(node, path)]) {
    yield kind === 'added' ? { kind, path: found, after: entry } : { kind, path: found, before: entry };
  }
}

function findDifferences<Layer>(
  a: TreeEntry<Layer>,
  b: TreeEntry<Layer>,
  isSamePlace: (a: TreeEntry<Layer>, b: TreeEntry<Layer>) => boolean,
): EntryDifference[] {
  if (a.kind !== b.kind) return ['type'];
  const found: EntryDifference[] = [];
  if (a.kind === 'file' && (a.size !== b.size || a.sparseMap !== b.sparseMap)) found.push('content');
  else if (a.kind === 'file' && a.size > 0 && !isSamePlace(a, b)) found.push('content?');
  if (a.target !== b.target) found.push('target');
  if (a.device !== b.device) found.push('device');
  const [one, other] = [a.metadata, b.metadata];
  if (one.mode !== other.mode) found.push('mode');
  if (one.uid !== other.uid || one.gid !== other.gid) found.push('owner');
  if (!isSameXattrs(one.xattrs, other.xattrs)) found.push('xattrs');
  if (!isSameTime(one, other)) found.push('times');
  return found;
}

/** The names of both in one order, each with its node on either side. */
function* pairChildren<Layer>(
  before: TreeNode<Layer>,
  after: TreeNode<Layer>,
): Generator<[string, TreeNode<Layer> | undefined, TreeNode<Layer> | undefined]> {
  const [a, b] = [sortedChildren(before), sortedChildren(after)];
  for (let i = 0, j = 0; i < a.length || j < b.length;) {
    const [nameA, nodeA] = a[i] ?? [];
    const [nameB, nodeB] = b[j] ?? [];
    const isA = nameA !== undefined && (nameB === undefined || nameA <= nameB);
    const isB = nameB !== undefined && (nameA === undefined || nameB <= nameA);
    const name = isA ? nameA : (nameB ?? '');
    yield [name, isA ? nodeA : undefined, isB ? nodeB : undefined];
    if (isA) i += 1;
    if (isB) j += 1;
  }
}
