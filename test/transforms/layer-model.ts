/** Small layers for tests of transforms: made, listed, merged and written again. */
import { collect } from '../../sample/pack-tar.mjs';
import { type PackedMember, packMembers } from '../fixtures/pack-members.ts';
import { FileByteReader } from '../../src/format/tar/byte-reader.ts';
import type { LayerMember } from '../../src/format/tar/layer-member.ts';
import { walkLayer } from '../../src/format/tar/walk-layer.ts';
import { type LayerPart, type ReadableLayer, writeLayer } from '../../src/transforms/write-layer.ts';
import { applyLayer } from '../../src/format/tree/apply-layer.ts';
import { createTree, isFolder, type TreeEntry, type TreeNode, walkTree } from '../../src/format/tree/tree.ts';

/** A layer whose tar is in memory. */
export interface ModelLayer {
  readonly bytes: Buffer;
  readonly members: readonly LayerMember[];
}

/** The layer of a tar. */
export async function readLayer(bytes: Buffer): Promise<ModelLayer> {
  const members: LayerMember[] = [];
  const file = {
    size: bytes.length,
    read: (target: Uint8Array, position: number) =>
      Promise.resolve(bytes.copy(target, 0, position, Math.min(bytes.length, position + target.length))),
  };
  for await (const { member } of walkLayer(new FileByteReader(file, 'a layer'))) members.push(member);
  return { bytes, members };
}

export async function makeModelLayer(members: readonly PackedMember[]): Promise<ModelLayer> {
  return readLayer(await packMembers(members));
}

/** The tree of these layers, lowest first. */
export function mergeModel(layers: readonly ModelLayer[]): TreeNode<ModelLayer> {
  const tree = createTree<ModelLayer>();
  for (const layer of layers) applyLayer(tree, layer.members, layer);
  return tree;
}

/** The tar that the parts of a plan make. */
export function writeModel(parts: readonly LayerPart<ModelLayer>[]): Promise<Buffer> {
  return collect(writeLayer(parts, (layer) => Promise.resolve(openModel(layer))));
}

export function openModel({ bytes }: ModelLayer): ReadableLayer {
  return {
    size: bytes.length,
    async *stream(start, end) {
      await Promise.resolve();
      yield bytes.subarray(start, end);
    },
  };
}

export function contentOf({ content }: TreeEntry<ModelLayer>): Buffer {
  return content?.layer.bytes.subarray(content.position, content.position + content.size) ?? Buffer.alloc(0);
}

/** All that a tree shows: a line for each path, with its metadata, content and the first of its names. */
export function describeTree(tree: TreeNode<ModelLayer>): string[] {
  const firsts = new Map<unknown, string>();
  return [...walkTree(tree)].map(([path, node]) => {
    const { entry } = node;
    if (entry === undefined) return `${path} folder without an entry`;
    if (!isFolder(node) && !firsts.has(entry)) firsts.set(entry, path);
    const { kind, target, device, sparseMap } = entry;
    const { mode, uid, mtime, exactMtime, xattrs } = entry.metadata;
    return JSON.stringify({
      ...{ path, kind, mode, uid, mtime, exactMtime, target, device, xattrs: [...xattrs].sort(), sparseMap },
      content: contentOf(entry).toString('latin1'),
      first: firsts.get(entry),
    });
  });
}
