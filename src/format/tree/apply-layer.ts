/** Puts a layer on top of a tree, as engines do (OCI image-spec, layer.md, "Applying Changesets"). */
import type { LayerMember } from '../tar/layer-member.ts';
import { metadataOf, relink } from './entry-metadata.ts';
import { findNode, isFolder, resolvePath, splitPath, type TreeEntry, type TreeNode } from './tree.ts';
import { aufsLinks, findWhiteout } from './whiteout.ts';

/**
 * Applies the members of `layer` to `tree`, which is changed. The rules, and where engines differ:
 *
 * - Whiteouts hide what lower layers have and nothing of their own layer, wherever they stand in it. The folders that
 *   they lie in are there afterwards, as if anything else lay there.
 * - The last of several members of one path wins.
 * - A folder's entry on a folder changes its metadata and keeps what is in it; every other replacement takes what was
 *   below away. Paths go through symlinks that their own layer has brought before, for engines unpack a layer by itself;
 *   a member below a symlink of a lower layer replaces it by a folder.
 * - A folder that has no entry in any layer is there without metadata; one that a lower layer has an entry for keeps
 *   that (containerd does so; docker's graph drivers and podman give it mode 0755).
 * - A hardlink is the file that its target is at that moment, of its own layer or a lower one, found through the
 *   symlinks on its way. If that is of its own layer, the mode, owner, time and xattrs of the link's header are the file's
 *   from then on (see relink); no engine changes a lower layer. A member that later replaces one of the names leaves the
 *   others as they are.
 * - Of what aufs left in a layer nothing is there, but the files in `.wh..wh.plnk` can be linked to (containerd does so;
 *   docker's overlay2 unpacks that folder as well, though its name says that something else is gone).
 * - A hardlink to nothing, or to a folder, and a root that is no folder are left out, and `onLeftOut` is told: engines
 *   refuse such layers. So are whiteouts below a symlink of their own layer, of which engines make different things. It is
 *   told as well of a whiteout for all below the root, which hides that here, as it should, and does not under overlayfs.
 */
export function applyLayer<Layer>(
  tree: TreeNode<Layer>,
  members: readonly LayerMember[],
  layer: Layer,
  onLeftOut?: (member: LayerMember) => void,
): void {
  const added: LayerMember[] = [];
  const links = new Set(members.filter(({ kind }) => kind === 'symlink').map(({ path }) => path));
  for (const member of members) {
    const whiteout = findWhiteout(member.path);
    if (whiteout === undefined) added.push(member);
    else if (listFolders(member.path).some((folder) => links.has(folder))) onLeftOut?.(member);
    else if (whiteout.kind === 'remove') removeNode(tree, splitPath(whiteout.path));
    else if (whiteout.kind === 'empty') {
      if (whiteout.path === '') onLeftOut?.(member);
      makeFolder(tree, splitPath(whiteout.path)).clear();
    }
  }
  for (const member of added) addMember(tree, member, layer, onLeftOut);
  tree.children?.delete(aufsLinks);
}

/** The folders that `path` lies in, below the root. */
function listFolders(path: string): string[] {
  const names = splitPath(path).slice(0, -1);
  return names.map((_, index) => names.slice(0, index + 1).join('/'));
}

function removeNode<Layer>(tree: TreeNode<Layer>, names: readonly string[]): void {
  makeFolder(tree, names.slice(0, -1)).delete(names.at(-1) ?? '');
}

function addMember<Layer>(
  tree: TreeNode<Layer>,
  member: LayerMember,
  layer: Layer,
  onLeftOut: ((member: LayerMember) => void) | undefined,
): void {
  const entry = entryOf(tree, member, layer);
  const names = resolvePath(tree, member.path, ({ place }) => place?.layer === layer);
  const isUnpacked = names !== undefined && (names.length > 0 || entry?.kind === 'directory');
  if (entry === undefined || !isUnpacked) {
    onLeftOut?.(member);
    return;
  }
  if (member.kind === 'hardlink' && entry.layer === layer)
    entry.metadata = relink(entry.metadata, member, entry.kind);
  const last = names.pop();
  const place = { layer, member };
  if (last === undefined) {
    Object.assign(tree, { entry, place });
    return;
  }
  const siblings = makeFolder(tree, names);
  const before = siblings.get(last);
  const children =
    entry.kind === 'directory' ? (before?.children ?? new Map<string, TreeNode<Layer>>()) : undefined;
  siblings.set(last, { entry, place, children });
}

/** The children of the folder at `names`; what stands in its way is replaced by folders without metadata. */
function makeFolder<Layer>(tree: TreeNode<Layer>, names: readonly string[]): Map<string, TreeNode<Layer>> {
  let children = (tree.children ??= new Map<string, TreeNode<Layer>>());
  for (const name of names) {
    let node = children.get(name);
    if (node === undefined || !isFolder(node)) {
      node = { entry: undefined, place: undefined, children: new Map<string, TreeNode<Layer>>() };
      children.set(name, node);
    }
    children = node.children ??= new Map<string, TreeNode<Layer>>();
  }
  return children;
}

function entryOf<Layer>(
  tree: TreeNode<Layer>,
  member: LayerMember,
  layer: Layer,
): TreeEntry<Layer> | undefined {
  const { kind, size, target, device, sparseMap } = member;
  if (kind === 'hardlink') {
    const names = resolvePath(tree, target ?? '', () => true);
    const linked = names && findNode(tree, names.join('/'))?.entry;
    return linked?.kind === 'directory' ? undefined : linked;
  }
  return {
    ...{ kind, metadata: metadataOf(member), size, layer, member },
    target,
    device,
    sparseMap,
    content: kind === 'file' ? { layer, position: member.contentPosition, size } : undefined,
  };
}
