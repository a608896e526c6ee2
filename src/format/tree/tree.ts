/** A tree of files as an image shows it: nested folders, each name once. */
import { appendAll } from '../../ground/long-lists.ts';
import type { LayerMember } from '../tar/layer-member.ts';
import type { EntryMetadata } from './entry-metadata.ts';

/** Where the content of a file lies. */
export interface ContentPlace<Layer> {
  readonly layer: Layer;
  /** Bytes from the start of the layer. */
  readonly position: number;
  readonly size: number;
}

export type TreeEntryKind = Exclude<LayerMember['kind'], 'hardlink'>;

/** The member that says something, and the layer that it is of. */
export interface MemberPlace<Layer> {
  readonly layer: Layer;
  readonly member: LayerMember;
}

/**
 * What stands at a path of a merged tree. Two names of one file (hardlinks) share one entry, as they share an inode, and
 * its metadata are what the last of their headers has made of it.
 */
export interface TreeEntry<Layer> {
  readonly kind: TreeEntryKind;
  /** Another one when another name is unpacked: see relink. */
  metadata: EntryMetadata;
  readonly size: number;
  /** Where a symlink points. */
  readonly target?: string;
  readonly device?: string;
  /** Of a sparse file: two of one map and one content are the same. */
  readonly sparseMap?: string;
  /** Of a file. */
  readonly content?: ContentPlace<Layer>;
  /** The layer that has the entry. */
  readonly layer: Layer;
  /** The member that it was made of: of hardlinks, the file that they are names of. */
  readonly member: LayerMember;
}

/** A path of a tree: what stands there, undefined for a folder that no layer has an entry for, and what is below. */
export interface TreeNode<Layer> {
  entry: TreeEntry<Layer> | undefined;
  /** The member that put the entry here: of a hardlink, the link itself. */
  place: MemberPlace<Layer> | undefined;
  /** Of a folder, by name. */
  children: Map<string, TreeNode<Layer>> | undefined;
}

/** Symlinks on one way: the kernel gives up after as many (path_resolution(7)). */
const mostLinks = 40;

/** A tree of nothing but its root. `Layer` names layers: a diffId, or anything else that content is found again by. */
export function createTree<Layer>(): TreeNode<Layer> {
  return { entry: undefined, place: undefined, children: new Map() };
}

/** The node at `path`, which has no slashes at its ends, or undefined. Symlinks are not followed. */
export function findNode<Layer>(root: TreeNode<Layer>, path: string): TreeNode<Layer> | undefined {
  let node: TreeNode<Layer> | undefined = root;
  for (const name of splitPath(path)) node = node?.children?.get(name);
  return node;
}

/**
 * The names that `path` leads to below the root, as the kernel would find them, where the symlinks on its way are followed
 * that `follows` says so of; one at its end is not. Names that nothing stands at lead to themselves. undefined in a loop.
 */
export function resolvePath<Layer>(
  root: TreeNode<Layer>,
  path: string,
  follows: (node: TreeNode<Layer>) => boolean,
): string[] | undefined {
  const left = splitPath(path).reverse(); // the next one last
  const names: string[] = [];
  const nodes: (TreeNode<Layer> | undefined)[] = [root]; // of names, the root before them
  for (let followed = 0; left.length > 0;) {
    const name = left.pop() ?? '';
    if (name === '' || name === '.') continue;
    if (name === '..') {
      if (names.pop() !== undefined) nodes.pop();
      continue;
    }
    const node = nodes.at(-1)?.children?.get(name);
    const target = left.length > 0 && node !== undefined && follows(node) ? node.entry?.target : undefined;
    if (target === undefined) {
      names.push(name);
      nodes.push(node);
      continue;
    }
    if (++followed > mostLinks) return undefined;
    if (target.startsWith('/')) {
      names.length = 0;
      nodes.length = 1;
    }
    appendAll(left, target.split('/').reverse());
  }
  return names;
}

/** Whether a folder stands at `node`. */
export function isFolder<Layer>(node: TreeNode<Layer>): boolean {
  return node.children !== undefined;
}

/** The names of `path` from the root down; none for the root. */
export function splitPath(path: string): string[] {
  return path === '' ? [] : path.split('/');
}

/** Every path below `node` with its node, folders before what is in them, names in the order of their code units. */
export function* walkTree<Layer>(node: TreeNode<Layer>, path = ''): Generator<[string, TreeNode<Layer>]> {
  for (const [name, child] of sortedChildren(node)) {
    const childPath = path === '' ? name : `${path}/${name}`;
    yield [childPath, child];
    yield* walkTree(child, childPath);
  }
}

/** The children of `node` in the order of their names' code units. */
export function sortedChildren<Layer>(node: TreeNode<Layer>): [string, TreeNode<Layer>][] {
  return [...(node.children ?? [])].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}
