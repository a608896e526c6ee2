/** Plans the one layer that makes a tree of another: which members of which layers it takes, and in which order. */
import type { LayerMember } from '../format/tar/layer-member.ts';
import { tarPadding } from '../format/tar/tar-header.ts';
import { isSameMetadata, metadataOf, relink } from '../format/tree/entry-metadata.ts';
import {
  findNode,
  isFolder,
  splitPath,
  type TreeEntry,
  type TreeNode,
  walkTree,
} from '../format/tree/tree.ts';
import { findWhiteouts } from './find-whiteouts.ts';
import type { LayerPart } from './write-layer.ts';

export interface PlanLayerOptions<Layer> {
  /** What the layers below make; a tree of nothing but its root for a layer that stands alone. */
  readonly base: TreeNode<Layer>;
  readonly target: TreeNode<Layer>;
  /** Whether the base does not have what stands at this path of the target. */
  readonly isNew: (path: string, node: TreeNode<Layer>) => boolean;
  /** The layers that the target was made of, from the lowest up, with the members that it was made of. */
  readonly layers: readonly (readonly [layer: Layer, members: readonly LayerMember[]])[];
}

/**
 * The parts of the layer that makes `target` of `base`. Every path stands there once, behind all of its folders, which
 * come with it whether they are new or not: engines would make them anew with other modes. Whiteouts come first. All
 * else keeps the order that it has in its layers, for what lies there as it lay is found in the cache again.
 *
 * Hardlinks come as groups: a layer cannot link to a file of a lower one (every engine refuses it). The first name of
 * a file has the content, whichever layer that lies in, and the others link to it. All of their headers say what the file
 * is in the tree, for engines go by each of them, and their order may be another one now.
 */
export function planLayer<Layer>({
  base,
  target,
  isNew,
  layers,
}: PlanLayerOptions<Layer>): LayerPart<Layer>[] {
  const groups = groupNames(target);
  const brought = chooseNodes(target, groups, isNew);
  const writer = createPartWriter(target, groups);
  for (const { folder, name } of findWhiteouts(base, target, brought)) {
    writer.writeFolders(folder);
    writer.push({ kind: 'whiteout', path: folder === '' ? name : `${folder}/${name}` });
  }
  for (const [, members] of layers) {
    for (const member of members) {
      const node = findNode(target, member.path);
      if (node === undefined || !brought.has(node)) continue;
      if (isFolder(node) ? member.kind === 'directory' : node.place?.member === member) {
        writer.write(member.path, node);
      }
    }
  }
  for (const [path, node] of walkTree(target)) if (brought.has(node)) writer.write(path, node);
  return writer.parts;
}

type NameGroups<Layer> = ReadonlyMap<TreeEntry<Layer>, readonly TreeNode<Layer>[]>;

/** The nodes that are names of one file, for each file. */
function groupNames<Layer>(tree: TreeNode<Layer>): NameGroups<Layer> {
  const groups = new Map<TreeEntry<Layer>, TreeNode<Layer>[]>();
  for (const [, node] of walkTree(tree)) {
    if (node.entry === undefined || isFolder(node)) continue;
    const group = groups.get(node.entry);
    if (group === undefined) groups.set(node.entry, [node]);
    else group.push(node);
  }
  return groups;
}

function chooseNodes<Layer>(
  target: TreeNode<Layer>,
  groups: NameGroups<Layer>,
  isNew: PlanLayerOptions<Layer>['isNew'],
): ReadonlySet<TreeNode<Layer>> {
  const chosen = new Set<TreeNode<Layer>>();
  if (target.entry !== undefined && isNew('', target)) chosen.add(target);
  for (const [path, node] of walkTree(target)) if (isNew(path, node)) chosen.add(node);
  for (const names of groups.values()) {
    if (names.some((node) => chosen.has(node))) for (const node of names) chosen.add(node);
  }
  return chosen;
}

interface PartWriter<Layer> {
  readonly parts: LayerPart<Layer>[];
  push(part: LayerPart<Layer>): void;
  /** Writes all folders from the root down to `path`, without the root. */
  writeFolders(path: string): void;
  /** Writes what stands at `path`, and before it the folders that it lies in. Each path is written once. */
  write(path: string, node: TreeNode<Layer>): void;
}

function createPartWriter<Layer>(target: TreeNode<Layer>, groups: NameGroups<Layer>): PartWriter<Layer> {
  const parts: LayerPart<Layer>[] = [];
  const written = new Set<TreeNode<Layer>>();
  const firstNames = new Map<TreeEntry<Layer>, string>();

  const push = (part: LayerPart<Layer>): void => {
    const last = parts.at(-1);
    const isNext =
      part.kind === 'copy' &&
      last?.kind === 'copy' &&
      last.layer === part.layer &&
      last.start + last.size === part.start;
    if (isNext) parts[parts.length - 1] = { ...last, size: last.size + part.size };
    else parts.push(part);
  };
  const writeFolder = (path: string, node: TreeNode<Layer>): void => {
    if (written.has(node)) return;
    written.add(node);
    const { place } = node;
    if (place === undefined) push({ kind: 'folder', path });
    else if (place.member.path === path) push(copyOf(place.layer, place.member));
    else push({ kind: 'rename', place, path: `${path}/` });
  };
  const writeFolders = (path: string): void => {
    let node: TreeNode<Layer> | undefined = target;
    let start = '';
    for (const name of splitPath(path)) {
      node = node?.children?.get(name);
      start = start === '' ? name : `${start}/${name}`;
      if (node !== undefined && isFolder(node)) writeFolder(start, node);
    }
  };
  const writeName = (path: string, { entry, place }: TreeNode<Layer>): void => {
    if (entry === undefined || place === undefined) throw new RangeError(`Nothing stands at "${path}"`);
    const first = firstNames.get(entry);
    if ((groups.get(entry)?.length ?? 0) > 1 && first === undefined) firstNames.set(entry, path);
    const { member } = place;
    if (first === undefined) {
      const isSame = isSameMetadata(metadataOf(entry.member), entry.metadata);
      const isThere = member === entry.member && member.path === path;
      const metadata = isSame ? undefined : entry.metadata;
      push(
        isThere && isSame
          ? copyOf(place.layer, member)
          : { kind: 'rename', place: { layer: entry.layer, member: entry.member }, path, metadata },
      );
      return;
    }
    // The header of a further name must not change what the first one has said.
    const isSame = isSameMetadata(relink(entry.metadata, member, entry.kind), entry.metadata);
    const isThere = member.kind === 'hardlink' && member.target === first && member.path === path;
    const metadata = isSame ? undefined : entry.metadata;
    push(
      isThere && isSame
        ? copyOf(place.layer, member)
        : { kind: 'link', place, path, target: first, metadata },
    );
  };

  return {
    parts,
    push,
    writeFolders,
    write(path, node) {
      if (written.has(node)) return;
      writeFolders(path.slice(0, Math.max(0, path.lastIndexOf('/'))));
      if (isFolder(node)) {
        writeFolder(path, node);
        return;
      }
      written.add(node);
      writeName(path, node);
    },
  };
}

function copyOf<Layer>(
  layer: Layer,
  { headerPosition, contentPosition, size }: LayerMember,
): Extract<LayerPart<Layer>, { kind: 'copy' }> {
  const end = contentPosition + size + tarPadding(size);
  return { kind: 'copy', layer, start: headerPosition, size: end - headerPosition };
}
